;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "no-signals"
(module (func (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1))))

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
;;     testl %edx, %edx
;;     jz      label5; j label1
;;   block1:
;;     cmpl $0x80000000, %esi
;;     sete %r11b
;;     cmpl $0xffffffff, %edx
;;     movq %rdx, %rcx
;;     sete %al
;;     testb %r11b, %al
;;     jnz     label4; j label2
;;   block2:
;;     movq %rsi, %rax
;;     cltd  ;; implicit: %edx, %eax
;;     testl %ecx, %ecx
;;     jz #trap=int_divz
;;     idivl %ecx ;; implicit: %eax, %edx, trap=252
;;     jmp     label3
;;   block3:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block4:
;;     call    User(userextname1)
;;     ud2
;;   block5:
;;     call    User(userextname0)
;;     ud2
