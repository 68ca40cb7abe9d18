;;! arch = "aarch64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param i32 i32) (result i32) (local i32) (loop (local.set 2 (i32.add (local.get 2) (i32.load (local.get 0)))) (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 4))) (local.get 1)))) (local.get 2)))

;; function 0: function[0]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movz w4, #0
;;     ldr x10, [x0]
;;     b label1
;;   block1:
;;     ldr w11, [x10, w1, UXTW]
;;     add w1, w1, #4
;;     mov x0, x4
;;     add w0, w0, w11
;;     subs wzr, w1, w2
;;     b.lo label2 ; b label3
;;   block2:
;;     mov x4, x0
;;     b label1
;;   block3:
;;     b label4
;;   block4:
;;     b label5
;;   block5:
;;     ldp fp, lr, [sp], #16
;;     ret
