;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "none"
(module (memory 1) (func (param i32 i32) (result i32) (local i32) (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0)))) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (local.get 1)))) (local.get 2)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x70, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 48 }
;;     subq $0x70, %rsp
;;     movq %rbx, 0x40(%rsp)
;;     unwind SaveReg { clobber_offset: 0, reg: p3i }
;;     movq %r12, 0x48(%rsp)
;;     unwind SaveReg { clobber_offset: 8, reg: p12i }
;;     movq %r13, 0x50(%rsp)
;;     unwind SaveReg { clobber_offset: 16, reg: p13i }
;;     movq %r14, 0x58(%rsp)
;;     unwind SaveReg { clobber_offset: 24, reg: p14i }
;;     movq %r15, 0x60(%rsp)
;;     unwind SaveReg { clobber_offset: 32, reg: p15i }
;;   block0:
;;     movq %rdx, <offset:1>+0x28(%rsp)
;;     movq %rsi, <offset:1>+0x38(%rsp)
;;     movq %rdi, <offset:1>+0x20(%rsp)
;;     uninit  %rbx
;;     xorl %ebx, %ebx
;;     movq %rbx, <offset:1>+0x30(%rsp)
;;     movq <offset:1>+0x30(%rsp), %rbx
;;     movq %rbx, <offset:1>+8(%rsp)
;;     movq <offset:1>+0x38(%rsp), %rbx
;;     movq %rbx, <offset:1>+0x10(%rsp)
;;     jmp     label1
;;   block1:
;;     movq <offset:1>+0x28(%rsp), %r14
;;     movq <offset:1>+0x20(%rsp), %rsi
;;     movq <offset:1>+0x10(%rsp), %r12
;;     movq <offset:1>+8(%rsp), %r10
;;     movl %r12d, %edi
;;     movq (%rsi), %r8
;;     movl (%r8, %rdi), %r9d
;;     leal (%r10, %r9), %r11d
;;     movq %r11, <offset:1>+(%rsp)
;;     leal 4(%r12), %r13d
;;     movq %r13, <offset:1>+0x18(%rsp)
;;     movq <offset:1>+0x18(%rsp), %r15
;;     cmpl %r14d, %r15d
;;     jb      label2; j label3
;;   block2:
;;     movq <offset:1>+(%rsp), %r15
;;     movq %r15, <offset:1>+8(%rsp)
;;     movq <offset:1>+0x18(%rsp), %r15
;;     movq %r15, <offset:1>+0x10(%rsp)
;;     jmp     label1
;;   block3:
;;     jmp     label4
;;   block4:
;;     jmp     label5
;;   block5:
;;     movq <offset:1>+(%rsp), %rax
;;     movq 0x40(%rsp), %rbx
;;     movq 0x48(%rsp), %r12
;;     movq 0x50(%rsp), %r13
;;     movq 0x58(%rsp), %r14
;;     movq 0x60(%rsp), %r15
;;     addq $0x70, %rsp
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
