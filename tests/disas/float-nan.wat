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
;;     movdqa %xmm0, %xmm3
;;     jmp     label1
;;   block1:
;;     mulsd %xmm1, %xmm1
;;     uninit  %xmm2
;;     xorpd %xmm2, %xmm2
;;     movsd %xmm1, %xmm2
;;     movdqa %xmm2, %xmm0
;;     cmpunordpd %xmm2, %xmm0
;;     movupd (%rip), %xmm1
;;     pblendvb %xmm0, %xmm1, %xmm2
;;     movdqa %xmm3, %xmm0
;;     addsd %xmm2, %xmm0
;;     movdqa %xmm0, %xmm3
;;     uninit  %xmm0
;;     xorpd %xmm0, %xmm0
;;     movdqa %xmm3, %xmm2
;;     movsd %xmm2, %xmm0
;;     movdqa %xmm0, %xmm2
;;     cmpunordpd %xmm0, %xmm2
;;     movdqa %xmm0, %xmm3
;;     movdqa %xmm2, %xmm0
;;     movdqa %xmm3, %xmm2
;;     pblendvb %xmm0, %xmm1, %xmm2
;;     movdqa %xmm2, %xmm0
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
