;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param i32) (result i32) (drop (memory.grow (local.get 0))) (memory.size)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x20, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 16 }
;;     subq $0x10, %rsp
;;     movq %r12, (%rsp)
;;     unwind SaveReg { clobber_offset: 0, reg: p12i }
;;   block0:
;;     movq 0x38(%rdi), %r8
;;     movq %rdi, %r12
;;     movq 8(%r8), %r8
;;     call    *%r8
;;     movq 8(%r12), %rax
;;     jmp     label1
;;   block1:
;;     shrq $0x10, %rax
;;     movq (%rsp), %r12
;;     addq $0x10, %rsp
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
