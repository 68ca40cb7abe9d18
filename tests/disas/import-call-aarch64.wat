;;! arch = "aarch64"
;;! emit = "asm"
;;! options = ""
(module (import "m" "f" (func $f (param i32) (result i32))) (func (param i32) (result i32) (call $f (local.get 0))))

;; function 1: function[1]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     ldr x16, [x0, #16]
;;     add x16, x16, #16
;;     subs xzr, sp, x16, UXTX
;;     b.lo #trap=stk_ovf
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     ldur x5, [x0, #-16]
;;     mov x8, x0
;;     ldur x0, [x8, #-8]
;;     mov x2, x8
;;     blr x5
;;     b label1
;;   block1:
;;     ldp fp, lr, [sp], #16
;;     ret
