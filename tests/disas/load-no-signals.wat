;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "no-signals"
(module (memory 1) (func (param i32) (result i32) (i32.load offset=4 (local.get 0))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x10, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %r8
;;     movq 8(%rdi), %r10
;;     movl %esi, %r9d
;;     leaq 8(%r9), %r11
;;     cmpq %r10, %r11
;;     jnbe    label3; j label1
;;   block1:
;;     movl 4(%r8, %r9), %eax
;;     jmp     label2
;;   block2:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block3:
;;     call    User(userextname0)
;;     ud2
