;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (func (param f64) (result i32) (i32.trunc_f64_s (local.get 0))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     cvt_float64_to_sint32_seq %xmm0, %eax, %rsi, %xmm3
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
