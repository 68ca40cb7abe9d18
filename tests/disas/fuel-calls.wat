;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "fuel"
(module (import "m" "f" (func $f (param i32) (result i32))) (func $g (param i32) (result i32) (if (result i32) (local.get 0) (then (call $f (local.get 0))) (else (call $g (call $f (i32.const 1)))))) (export "g" (func $g)))

;; function 1: g
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x20, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 16 }
;;     subq $0x10, %rsp
;;     movq %rbx, (%rsp)
;;     unwind SaveReg { clobber_offset: 0, reg: p3i }
;;     movq %r12, 8(%rsp)
;;     unwind SaveReg { clobber_offset: 8, reg: p12i }
;;   block0:
;;     movq %rdi, %r12
;;     movq    %r15, %rdi
;;     cmpq $0x2, %rdi
;;     jl      label2; j label1
;;   block1:
;;     jmp     label3
;;   block3:
;;     testl %esi, %esi
;;     jnz     label34; j label4
;;   block4:
;;     movq    %r15, %rax
;;     leaq -4(%rax), %rax
;;     movq    %rax, %r15
;;     movq    %r15, %rax
;;     testq %rax, %rax
;;     jl      label6; j label5
;;   block5:
;;     jmp     label7
;;   block7:
;;     movq    %r15, %rax
;;     movq %r12, %rdi
;;     movq 0x40(%rdi), %rbx
;;     movq %rax, 8(%rbx)
;;     movq -0x10(%rdi), %rax
;;     movq -8(%rdi), %rdi
;;     movl $0x1, %esi
;;     movq %r12, %rdx
;;     call    *%rax
;;     movq    %r15, %rcx
;;     addq 0x10(%rbx), %rcx
;;     movq    %rcx, %r15
;;     movq $0x0, 0x10(%rbx)
;;     movq    %r15, %rcx
;;     cmpq $0x3, %rcx
;;     jl      label9; j label8
;;   block8:
;;     jmp     label10
;;   block10:
;;     testl %eax, %eax
;;     movq %rax, %rcx
;;     jnz     label28; j label11
;;   block11:
;;     movq    %r15, %rax
;;     leaq -5(%rax), %rax
;;     movq    %rax, %r15
;;     movq    %r15, %rax
;;     testq %rax, %rax
;;     jl      label13; j label12
;;   block12:
;;     jmp     label14
;;   block14:
;;     movq    %r15, %rax
;;     movq %rax, 8(%rbx)
;;     movq %r12, %rdi
;;     movq -0x10(%rdi), %rax
;;     movq -8(%rdi), %rdi
;;     movl $0x1, %esi
;;     movq %r12, %rdx
;;     call    *%rax
;;     movq    %r15, %rcx
;;     addq 0x10(%rbx), %rcx
;;     movq    %rcx, %r15
;;     movq $0x0, 0x10(%rbx)
;;     movq    %r15, %rcx
;;     cmpq $0x3, %rcx
;;     jl      label16; j label15
;;   block15:
;;     jmp     label17
;;   block17:
;;     testl %eax, %eax
;;     movq %rax, %rsi
;;     jnz     label22; j label18
;;   block18:
;;     movq    %r15, %rax
;;     leaq -5(%rax), %rax
;;     movq    %rax, %r15
;;     movq    %r15, %rax
;;     testq %rax, %rax
;;     jl      label20; j label19
;;   block19:
;;     jmp     label21
;;   block21:
;;     movq    %r15, %rax
;;     movq %rax, 8(%rbx)
;;     movq %r12, %rdi
;;     movq -0x10(%rdi), %rax
;;     movq -8(%rdi), %rdi
;;     movl $0x1, %esi
;;     movq %r12, %rdx
;;     call    *%rax
;;     movq    %r15, %rcx
;;     addq 0x10(%rbx), %rcx
;;     movq    %rcx, %r15
;;     movq $0x0, 0x10(%rbx)
;;     movq    %r15, %rcx
;;     leaq -1(%rcx), %rcx
;;     movq    %rcx, %r15
;;     movq %rax, %rsi
;;     movq %r12, %rdi
;;     call    User(userextname1)
;;     jmp     label26
;;   block22:
;;     movq    %r15, %rax
;;     leaq -5(%rax), %rax
;;     movq    %rax, %r15
;;     movq    %r15, %rax
;;     testq %rax, %rax
;;     jl      label24; j label23
;;   block23:
;;     jmp     label25
;;   block25:
;;     movq    %r15, %rax
;;     movq %rax, 8(%rbx)
;;     movq %r12, %rdi
;;     movq -0x10(%rdi), %rcx
;;     movq -8(%rdi), %rdi
;;     movq %r12, %rdx
;;     call    *%rcx
;;     movq    %r15, %rcx
;;     addq 0x10(%rbx), %rcx
;;     movq    %rcx, %r15
;;     movq $0x0, 0x10(%rbx)
;;     jmp     label26
;;   block26:
;;     jmp     label27
;;   block27:
;;     jmp     label32
;;   block28:
;;     movq    %r15, %rsi
;;     leaq -5(%rsi), %rsi
;;     movq    %rsi, %r15
;;     movq    %r15, %rdi
;;     testq %rdi, %rdi
;;     jl      label30; j label29
;;   block29:
;;     jmp     label31
;;   block31:
;;     movq    %r15, %rax
;;     movq %rax, 8(%rbx)
;;     movq %r12, %rdx
;;     movq -0x10(%rdx), %rax
;;     movq -8(%rdx), %rdi
;;     movq %rcx, %rsi
;;     call    *%rax
;;     movq    %r15, %rcx
;;     addq 0x10(%rbx), %rcx
;;     movq    %rcx, %r15
;;     movq $0x0, 0x10(%rbx)
;;     jmp     label32
;;   block32:
;;     jmp     label33
;;   block33:
;;     jmp     label38
;;   block34:
;;     movq    %r15, %rax
;;     leaq -4(%rax), %rax
;;     movq    %rax, %r15
;;     movq    %r15, %rax
;;     testq %rax, %rax
;;     jl      label36; j label35
;;   block35:
;;     jmp     label37
;;   block37:
;;     movq    %r15, %rax
;;     movq %r12, %rdx
;;     movq 0x40(%rdx), %rbx
;;     movq %rax, 8(%rbx)
;;     movq -0x10(%rdx), %rax
;;     movq -8(%rdx), %rdi
;;     call    *%rax
;;     movq    %r15, %rcx
;;     addq 0x10(%rbx), %rcx
;;     movq    %rcx, %r15
;;     movq $0x0, 0x10(%rbx)
;;     jmp     label38
;;   block38:
;;     jmp     label39
;;   block39:
;;     movq (%rsp), %rbx
;;     movq 8(%rsp), %r12
;;     addq $0x10, %rsp
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block2:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label3
;;   block6:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label7
;;   block9:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label10
;;   block13:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label14
;;   block16:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label17
;;   block20:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label21
;;   block24:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label25
;;   block30:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label31
;;   block36:
;;     movq %r12, %rdi
;;     call    User(userextname0)
;;     jmp     label37
