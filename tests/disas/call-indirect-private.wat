;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (type $t (func (param i32) (result i32))) (table 4 funcref) (func (param i32 i32) (result i32) (call_indirect (type $t) (local.get 0) (local.get 1))))

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
;;     movq %rsi, %rcx
;;     movl %edx, %r8d
;;     cmpq $0x4, %r8
;;     jnb     label5; j label1
;;   block1:
;;     movq 0x18(%rdi), %r11
;;     shlq $0x5, %r8
;;     movl 0x10(%r11, %r8), %esi
;;     testl %esi, %esi
;;     jnz     label4; j label2
;;   block2:
;;     movq (%r11, %r8), %rax
;;     movq %rcx, %rsi
;;     call    *%rax
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
