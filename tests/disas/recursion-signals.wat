;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (func $f (param i32) (result i32) (if (result i32) (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7)))))

;; function 0: f
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x10, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     testl %esi, %esi
;;     jnz     label2; j label1
;;   block1:
;;     movl $0x7, %eax
;;     jmp     label11
;;   block2:
;;     movq %rsi, %rax
;;     subl $0x1, %eax
;;     testl %eax, %eax
;;     jnz     label4; j label3
;;   block3:
;;     movl $0x7, %eax
;;     jmp     label9
;;   block4:
;;     movq %rsi, %rax
;;     subl $0x2, %eax
;;     testl %eax, %eax
;;     jnz     label6; j label5
;;   block5:
;;     movl $0x7, %eax
;;     jmp     label7
;;   block6:
;;     subl $0x3, %esi
;;     call    User(userextname0)
;;     jmp     label7
;;   block7:
;;     jmp     label8
;;   block8:
;;     jmp     label9
;;   block9:
;;     jmp     label10
;;   block10:
;;     jmp     label11
;;   block11:
;;     jmp     label12
;;   block12:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
