;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (type $t (func (param i32) (result i32))) (type $u (func (result i32))) (table 4 funcref) (elem (i32.const 1) $double $other) (func $double (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))) (func $other (result i32) (i32.const 7)) (func (param i32 i32) (result i32) (call_indirect (type $t) (local.get 0) (local.get 1))))

;; function 0: double
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     leal (%rsi, %rsi), %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 1: other
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     movl $0x7, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 2: function[2]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     movq 0x10(%rdi), %r10
;;     addq $0x10, %r10
;;     cmpq %rsp, %r10
;;     jnbe #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     cmpl $0x1, %edx
;;     jnz     label4; j label1
;;   block1:
;;     jmp     label2
;;   block2:
;;     jmp     label3
;;   block3:
;;     leal (%rsi, %rsi), %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block4:
;;     movl %edx, %r11d
;;     cmpq $0x4, %r11
;;     jnb     label6; j label5
;;   block5:
;;     movq 0x18(%rdi), %rax
;;     shlq $0x5, %r11
;;     movl 0x10(%rax, %r11), %esi
;;     call    User(userextname1)
;;     ud2
;;   block6:
;;     call    User(userextname0)
;;     ud2
