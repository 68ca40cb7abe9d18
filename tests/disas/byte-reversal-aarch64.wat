;;! arch = "aarch64"
;;! emit = "asm"
;;! options = ""
(module
  (func (param i32) (result i32)
    (i32.or
      (i32.or (i32.shl (local.get 0) (i32.const 24)) (i32.and (i32.shl (local.get 0) (i32.const 8)) (i32.const 0xff0000)))
      (i32.or (i32.and (i32.shr_u (local.get 0) (i32.const 8)) (i32.const 0xff00)) (i32.shr_u (local.get 0) (i32.const 24)))))
  ;; As two rotations.
  (func (param i32) (result i32)
    (i32.or
      (i32.and (i32.rotl (local.get 0) (i32.const 8)) (i32.const 0x00ff00ff))
      (i32.and (i32.rotl (local.get 0) (i32.const 24)) (i32.const 0xff00ff00))))
  ;; One byte is in the wrong place.
  (func (param i32) (result i32)
    (i32.or
      (i32.and (i32.rotl (local.get 0) (i32.const 8)) (i32.const 0x00ff00ff))
      (i32.and (i32.rotl (local.get 0) (i32.const 24)) (i32.const 0xffff0000)))))

;; function 0: function[0]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     b label1
;;   block1:
;;     rev32 w0, w1
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
;;     rev32 w0, w1
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
;;     extr w7, w1, #24
;;     and w7, w7, #16711935
;;     extr w8, w1, #8
;;     and w8, w8, #4294901760
;;     orr w0, w7, w8
;;     ldp fp, lr, [sp], #16
;;     ret
