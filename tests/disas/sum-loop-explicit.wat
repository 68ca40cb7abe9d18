;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "explicit"
(module (memory 1) (func (param i32 i32) (result i32) (local i32) (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0)))) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (local.get 1)))) (local.get 2)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %rcx
;;     movq 8(%rdi), %rdi
;;     uninit  %rax
;;     xorl %eax, %eax
;;     movl %esi, %r9d
;;     jmp     label1
;;   block1:
;;     leaq -4(%rdi), %rsi
;;     cmpq %rsi, %r9
;;     jnbe #trap=user2
;;     movl (%rcx, %r9), %esi
;;     leal 4(%r9), %r9d
;;     leal (%rax, %rsi), %eax
;;     cmpl %edx, %r9d
;;     jb      label2; j label3
;;   block2:
;;     jmp     label1
;;   block3:
;;     jmp     label4
;;   block4:
;;     jmp     label5
;;   block5:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
