;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (import "m" "g" (global $i (mut i32))) (global $own (mut i32) (i32.const 1)) (func (result i32) (global.set $own (global.get $i)) (i32.add (global.get $own) (global.get $i))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq 0x50(%rdi), %rsi
;;     movq (%rsi), %rsi
;;     movl (%rsi), %esi
;;     movl %esi, 0x80(%rdi)
;;     jmp     label1
;;   block1:
;;     leal (%rsi, %rsi), %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
