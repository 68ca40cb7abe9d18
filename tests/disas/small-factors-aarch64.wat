;;! arch = "aarch64"
;;! emit = "asm"
;;! options = ""
(module
  (func (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func (param i64) (result i64) (i64.add (i64.mul (local.get 0) (i64.const 5)) (i64.const 1)))
  (func (param i32) (result i32) (i32.mul (local.get 0) (i32.const 9))))

;; function 0: function[0]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     b label1
;;   block1:
;;     add w0, w1, w1, LSL 1
;;     ldp fp, lr, [sp], #16
;;     ret
;;
;; function 1: function[1]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     b label1
;;   block1:
;;     add x4, x1, x1, LSL 2
;;     add x0, x4, #1
;;     ldp fp, lr, [sp], #16
;;     ret
;;
;; function 2: function[2]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     b label1
;;   block1:
;;     add w0, w1, w1, LSL 3
;;     ldp fp, lr, [sp], #16
;;     ret
