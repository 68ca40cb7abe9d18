;;! arch = "x86_64"
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
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     movq %rsi, %rax
;;     bswapl %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 1: function[1]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     movq %rsi, %rax
;;     bswapl %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 2: function[2]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     movq %rsi, %rax
;;     bswapq %rax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 3: function[3]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %rdi
;;     movl %esi, %r8d
;;     movzwq (%rdi, %r8), %rsi
;;     jmp     label1
;;   block1:
;;     rolw $0x8, %si
;;     movzwl %si, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 4: function[4]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     movq %rsi, %rax
;;     roll $0x8, %eax
;;     andl $0xff00ff, %eax
;;     roll $0x18, %esi
;;     andl $0xffff0000, %esi
;;     orl %esi, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
