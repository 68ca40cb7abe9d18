;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "fuel"
(module (func (export "pick") (param $case i32) (result i32) (local $sum i32) (block $out (block $two (block $one (br_table $one $two $out (local.get $case))) (local.set $sum (i32.const 1))) (local.set $sum (i32.add (local.get $sum) (i32.const 2)))) (local.get $sum)))

;; function 0: pick
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x10, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq    %r15, %rax
;;     cmpq $0x2, %rax
;;     jl      label2; j label1
;;   block1:
;;     jmp     label3
;;   block3:
;;     testl %esi, %esi
;;     jz      label7; j label4
;;   block4:
;;     uninit  %rax
;;     xorl %eax, %eax
;;     cmpl $0x2, %esi
;;     jb      label5; j label6
;;   block5:
;;     jmp     label8
;;   block6:
;;     jmp     label9
;;   block7:
;;     movq    %r15, %rax
;;     leaq -2(%rax), %rax
;;     movq    %rax, %r15
;;     movl $0x1, %eax
;;     jmp     label8
;;   block8:
;;     movq    %r15, %rcx
;;     leaq -4(%rcx), %rcx
;;     movq    %rcx, %r15
;;     leal 2(%rax), %eax
;;     jmp     label9
;;   block9:
;;     jmp     label10
;;   block10:
;;     movq    %r15, %rcx
;;     leaq -3(%rcx), %rcx
;;     movq    %rcx, %r15
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block2:
;;     call    User(userextname0)
;;     jmp     label3
