;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "no-signals"
(module (func (param f64) (result i32) (i32.trunc_f64_s (local.get 0))))

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
;;     ucomisd %xmm0, %xmm0
;;     jp      label5; j label1
;;   block1:
;;     movabsq $0xc1e0000000200000, %r11
;;     movq %r11, %xmm1
;;     ucomisd %xmm0, %xmm1
;;     setae %r11b
;;     ucomisd (%rip), %xmm0
;;     setae %al
;;     orl %eax, %r11d
;;     testb %r11b, %r11b
;;     jnz     label4; j label2
;;   block2:
;;     jmp     label3
;;   block3:
;;     cvt_float64_to_sint32_sat_seq %xmm0, %ecx, %rax, %xmm1
;;     movq %rcx, %rax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block4:
;;     call    User(userextname1)
;;     ud2
;;   block5:
;;     call    User(userextname0)
;;     ud2
