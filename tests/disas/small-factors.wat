;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module
  (func (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func (param i64) (result i64) (i64.add (i64.mul (local.get 0) (i64.const 5)) (i64.const 1)))
  (func (param i32) (result i32) (i32.mul (local.get 0) (i32.const 9))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     leal (%rsi, %rsi, 2), %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 1: function[1]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     leaq 1(%rsi, %rsi, 4), %rax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 2: function[2]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     leal (%rsi, %rsi, 8), %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
