;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "v3"
(module (func (param f64 f64) (result f64) (f64.add (local.get 0) (f64.mul (local.get 1) (local.get 1)))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     vmulsd %xmm1, %xmm1, %xmm5
;;     vaddsd %xmm5, %xmm0, %xmm0
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
