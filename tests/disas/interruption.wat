;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "interruption"
(module (memory 1) (func (export "fill") (param $to i32) (loop $again (i32.store8 (local.get $to) (i32.const 7)) (br_if $again (local.tee $to (i32.sub (local.get $to) (i32.const 1)))))))

;; function 0: fill
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
;;     movl %esi, %esi
;;     jmp     label1
;;   block1:
;;     movl 0x68(%rdi), %r9d
;;     testl %r9d, %r9d
;;     jnz     label3; j label2
;;   block2:
;;     jmp     label4
;;   block4:
;;     movl $0x7, %eax
;;     movb %al, (%r8, %rsi)
;;     subl $0x1, %esi
;;     testl %esi, %esi
;;     jnz     label5; j label6
;;   block5:
;;     jmp     label1
;;   block6:
;;     jmp     label7
;;   block7:
;;     jmp     label8
;;   block8:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block3:
;;     call    User(userextname0)
;;     jmp     label4
