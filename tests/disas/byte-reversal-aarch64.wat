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
  ;; Of bytes, of pairs, of halves.
  (func (param i64) (result i64)
    (local.set 0
      (i64.or
        (i64.and (i64.shr_u (local.get 0) (i64.const 8)) (i64.const 0x00ff00ff00ff00ff))
        (i64.shl (i64.and (local.get 0) (i64.const 0x00ff00ff00ff00ff)) (i64.const 8))))
    (local.set 0
      (i64.or
        (i64.and (i64.shr_u (local.get 0) (i64.const 16)) (i64.const 0x0000ffff0000ffff))
        (i64.shl (i64.and (local.get 0) (i64.const 0x0000ffff0000ffff)) (i64.const 16))))
    (i64.or (i64.shl (local.get 0) (i64.const 32)) (i64.shr_u (local.get 0) (i64.const 32))))
  ;; Of two bytes, which are loaded.
  (memory 1)
  (func (param i32) (result i32)
    (local.set 0 (i32.load16_u (local.get 0)))
    (i32.or (i32.shr_u (local.get 0) (i32.const 8)) (i32.and (i32.shl (local.get 0) (i32.const 8)) (i32.const 0xff00))))
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
;;     rev64 x0, x1
;;     ldp fp, lr, [sp], #16
;;     ret
;;
;; function 3: function[3]
;;     stp fp, lr, [sp, #-16]!
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     mov fp, sp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     ldr x6, [x0]
;;     ldrh w6, [x6, w1, UXTW]
;;     b label1
;;   block1:
;;     rev16 w7, w6
;;     uxth w0, w7
;;     ldp fp, lr, [sp], #16
;;     ret
;;
;; function 4: function[4]
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
