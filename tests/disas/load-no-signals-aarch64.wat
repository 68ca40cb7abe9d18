;;! arch = "aarch64"
;;! emit = "asm"
;;! options = "no-signals"
(module (memory 1) (func (param i32) (result i32) (i32.load offset=4 (local.get 0))))

;; function 0: function[0]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     ldr x16, [x0, #16]
;;     add x16, x16, #16
;;     subs xzr, sp, x16, UXTX
;;     b.lo #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     ldr x8, [x0]
;;     ldr x9, [x0, #8]
;;     mov w10, w1
;;     add x10, x10, #8
;;     subs xzr, x10, x9
;;     b.hi label3 ; b label1
;;   block1:
;;     add x10, x8, x1, UXTW
;;     ldr w0, [x10, #4]
;;     b label2
;;   block2:
;;     ldp fp, lr, [sp], #16
;;     ret
;;   block3:
;;     bl 0
;;     udf #0xc11f
