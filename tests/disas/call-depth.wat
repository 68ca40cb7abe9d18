;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "call-depth"
(module (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0))) (func (export "fib") (param i32) (result i32) (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (call $square (local.get 0))) (else (i32.add (call $again (i32.sub (local.get 0) (i32.const 1))) (call $again (i32.sub (local.get 0) (i32.const 2))))))) (func $again (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))) (table 2 funcref) (elem (i32.const 0) 1 2))

;; function 0: square
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x10, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq 0x40(%rdi), %r8
;;     movq 0x18(%r8), %r8
;;     testq %r8, %r8
;;     jle     label3; j label1
;;   block1:
;;     jmp     label2
;;   block2:
;;     movq %rsi, %rax
;;     imull %esi, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block3:
;;     call    User(userextname0)
;;     ud2
;;
;; function 1: fib
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x50, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 48 }
;;     subq $0x40, %rsp
;;     movq %rbx, 0x10(%rsp)
;;     unwind SaveReg { clobber_offset: 0, reg: p3i }
;;     movq %r12, 0x18(%rsp)
;;     unwind SaveReg { clobber_offset: 8, reg: p12i }
;;     movq %r13, 0x20(%rsp)
;;     unwind SaveReg { clobber_offset: 16, reg: p13i }
;;     movq %r14, 0x28(%rsp)
;;     unwind SaveReg { clobber_offset: 24, reg: p14i }
;;     movq %r15, 0x30(%rsp)
;;     unwind SaveReg { clobber_offset: 32, reg: p15i }
;;   block0:
;;     movq 0x40(%rdi), %r13
;;     movq 0x18(%r13), %rbx
;;     testq %rbx, %rbx
;;     jle     label21; j label1
;;   block1:
;;     cmpl $0x2, %esi
;;     movq %rsi, %r14
;;     jl      label15; j label2
;;   block2:
;;     cmpq $0x2, %rbx
;;     jl      label14; j label3
;;   block3:
;;     jmp     label4
;;   block4:
;;     movq 0x18(%rdi), %r12
;;     movq %rdi, %r15
;;     movl 0x10(%r12), %esi
;;     testl %esi, %esi
;;     jnz     label13; j label5
;;   block5:
;;     leaq -2(%rbx), %rax
;;     movq %rax, 0x18(%r13)
;;     movq (%r12), %rax
;;     movq %r14, %rcx
;;     movq %rcx, %rsi
;;     subl $0x1, %esi
;;     movq %r15, %rdi
;;     call    *%rax
;;     movq %rax, <offset:1>+(%rsp)
;;     jmp     label6
;;   block6:
;;     cmpq $0x2, %rbx
;;     jl      label12; j label7
;;   block7:
;;     jmp     label8
;;   block8:
;;     movl 0x10(%r12), %esi
;;     testl %esi, %esi
;;     jnz     label11; j label9
;;   block9:
;;     leaq -2(%rbx), %rax
;;     movq %rax, 0x18(%r13)
;;     movq (%r12), %rcx
;;     movq %r14, %rsi
;;     subl $0x2, %esi
;;     movq %r15, %rdi
;;     call    *%rcx
;;     jmp     label10
;;   block10:
;;     movq <offset:1>+(%rsp), %rcx
;;     leal (%rcx, %rax), %eax
;;     jmp     label18
;;   block15:
;;     movq %r14, %rsi
;;     cmpq $0x2, %rbx
;;     jl      label20; j label16
;;   block16:
;;     jmp     label17
;;   block17:
;;     imull %esi, %esi
;;     movq %rsi, %rax
;;     jmp     label18
;;   block18:
;;     jmp     label19
;;   block19:
;;     movq 0x10(%rsp), %rbx
;;     movq 0x18(%rsp), %r12
;;     movq 0x20(%rsp), %r13
;;     movq 0x28(%rsp), %r14
;;     movq 0x30(%rsp), %r15
;;     addq $0x40, %rsp
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block11:
;;     movq %r15, %rdi
;;     call    User(userextname2)
;;     ud2
;;   block12:
;;     movq %r15, %rdi
;;     call    User(userextname0)
;;     ud2
;;   block13:
;;     movq %r15, %rdi
;;     call    User(userextname2)
;;     ud2
;;   block14:
;;     call    User(userextname0)
;;     ud2
;;   block20:
;;     call    User(userextname0)
;;     ud2
;;   block21:
;;     call    User(userextname0)
;;     ud2
;;
;; function 2: again
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x10, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq %rsi, %r11
;;     movq 0x40(%rdi), %r9
;;     movq 0x18(%r9), %r10
;;     testq %r10, %r10
;;     jle     label6; j label1
;;   block1:
;;     jmp     label2
;;   block2:
;;     movq 0x18(%rdi), %rax
;;     movl 0x10(%rax), %esi
;;     testl %esi, %esi
;;     jnz     label5; j label3
;;   block3:
;;     leaq -1(%r10), %rcx
;;     movq %rcx, 0x18(%r9)
;;     movq (%rax), %rax
;;     movq %r11, %rsi
;;     call    *%rax
;;     jmp     label4
;;   block4:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block5:
;;     call    User(userextname2)
;;     ud2
;;   block6:
;;     call    User(userextname0)
;;     ud2
