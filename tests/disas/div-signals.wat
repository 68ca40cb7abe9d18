;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (func (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq %rsi, %rax
;;     movq %rdx, %r11
;;     cltd  ;; implicit: %edx, %eax
;;     testl %r11d, %r11d
;;     jz #trap=int_divz
;;     idivl %r11d ;; implicit: %eax, %edx, trap=252
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
