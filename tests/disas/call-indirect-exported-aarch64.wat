;;! arch = "aarch64"
;;! emit = "asm"
;;! options = ""
(module (type $t (func (param i32) (result i32))) (table (export "t") 4 funcref) (func (param i32 i32) (result i32) (call_indirect (type $t) (local.get 0) (local.get 1))))

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
;;     mov x5, x1
;;     ldr x14, [x0, #24]
;;     ldr x1, [x0, #32]
;;     mov w15, w2
;;     subs xzr, x15, x1
;;     b.hs label5 ; b label1
;;   block1:
;;     lsl x2, x15, #5
;;     add x3, x14, x15, LSL 5
;;     ldr w1, [x3, #16]
;;     ldr x4, [x0, #72]
;;     mov x15, x0
;;     ldr w0, [x4]
;;     subs wzr, w1, w0
;;     b.ne label4 ; b label2
;;   block2:
;;     ldr x4, [x14, x2]
;;     ldr x0, [x3, #8]
;;     mov x1, x5
;;     mov x2, x15
;;     blr x4
;;     b label3
;;   block3:
;;     ldp fp, lr, [sp], #16
;;     ret
;;   block4:
;;     mov x0, x15
;;     bl 0
;;     udf #0xc11f
;;   block5:
;;     bl 0
;;     udf #0xc11f
