;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "no-signals"
(module (func $f (param i32) (result i32) (if (result i32) (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7)))))

;; function 0: f
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq 0x10(%rdi), %r8
;;     movq    %rsp, %r9
;;     cmpq %r8, %r9
;;     jb      label6; j label1
;;   block1:
;;     testl %esi, %esi
;;     jnz     label3; j label2
;;   block2:
;;     movl $0x7, %eax
;;     jmp     label4
;;   block3:
;;     subl $0x1, %esi
;;     call    User(userextname1)
;;     jmp     label4
;;   block4:
;;     jmp     label5
;;   block5:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block6:
;;     call    User(userextname0)
;;     ud2
