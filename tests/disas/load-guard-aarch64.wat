;;! arch = "aarch64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param i32) (result i32) (i32.load offset=4 (local.get 0))))

;; function 0: function[0]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     ldr x5, [x0]
;;     add x5, x5, x1, UXTW
;;     ldr w0, [x5, #4]
;;     b label1
;;   block1:
;;     ldp fp, lr, [sp], #16
;;     ret
