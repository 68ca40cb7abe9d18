;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "explicit"
(module (memory 1) (func (param i32) (result i32) (i32.load offset=4 (local.get 0))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %r8
;;     movq %rdi, %r10
;;     movl %esi, %edi
;;     leaq 8(%rdi), %rsi
;;     cmpq 8(%r10), %rsi
;;     jnbe #trap=user2
;;     movl 4(%r8, %rdi), %eax
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
