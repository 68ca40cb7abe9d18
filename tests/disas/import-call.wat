;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (import "m" "f" (func $f (param i32) (result i32))) (func (param i32) (result i32) (call $f (local.get 0))))

;; function 1: function[1]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x10, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq -0x10(%rdi), %r8
;;     movq %rdi, %r9
;;     movq -8(%r9), %rdi
;;     movq %r9, %rdx
;;     call    *%r8
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
