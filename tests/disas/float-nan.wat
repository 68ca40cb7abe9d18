;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "nan"
(module (func (param f64 f64) (result f64) (f64.add (local.get 0) (f64.mul (local.get 1) (local.get 1)))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     mulsd %xmm1, %xmm1
;;     addsd %xmm1, %xmm0
;;     ucomisd %xmm0, %xmm0
;;     jp      label3; j label2
;;   block2:
;;     jmp     label4
;;   block4:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block3:
;;     movabsq $0x7ff8000000000000, %r10
;;     movq %r10, %xmm0
;;     jmp     label4
