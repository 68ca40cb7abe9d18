;;! arch = "aarch64"
;;! emit = "asm"
;;! options = "fuel"
(module (memory 1) (func (export "fill") (param $to i32) (loop $again (i32.store8 (local.get $to) (i32.const 7)) (br_if $again (local.tee $to (i32.sub (local.get $to) (i32.const 1)))))))

;; function 0: fill
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     ldr x16, [x0, #16]
;;     add x16, x16, #16
;;     subs xzr, sp, x16, UXTX
;;     b.lo #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     ldr x9, [x0]
;;     b label1
;;   block1:
;;     mov x10, x21
;;     subs xzr, x10, #8
;;     b.lt label3 ; b label2
;;   block2:
;;     b label4
;;   block4:
;;     movz w15, #7
;;     strb w15, [x9, w1, UXTW]
;;     mov x2, x21
;;     sub x2, x2, #8
;;     mov x21, x2
;;     sub w1, w1, #1
;;     cbnz w1, label5 ; b label6
;;   block5:
;;     b label1
;;   block6:
;;     b label7
;;   block7:
;;     b label8
;;   block8:
;;     ldp fp, lr, [sp], #16
;;     ret
;;   block3:
;;     bl 0
;;     b label4
