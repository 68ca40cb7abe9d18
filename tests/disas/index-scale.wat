;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module
  (memory 1)
  ;; The mask, or the shift, leaves room; the second shift is one too far.
  (func (param i32) (result i32)
    (i32.load offset=1024 (i32.shl (i32.and (local.get 0) (i32.const 255)) (i32.const 2))))
  (func (param i32) (result i64)
    (i64.load offset=1024 (i32.shl (i32.shr_u (local.get 0) (i32.const 3)) (i32.const 3))))
  (func (param i32) (result i64)
    (i64.load offset=1024 (i32.shl (i32.shr_u (local.get 0) (i32.const 2)) (i32.const 3))))
  ;; Read and written at once.
  (func (param i32)
    (local.set 0 (i32.shl (i32.and (local.get 0) (i32.const 255)) (i32.const 2)))
    (i32.store offset=1024 (local.get 0) (i32.add (i32.load offset=1024 (local.get 0)) (i32.const 1)))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq %rsi, %r8
;;     movq (%rdi), %rsi
;;     movq %r8, %rdi
;;     movzbq %dil, %rdi
;;     movl 0x400(%rsi, %rdi, 4), %eax
;;     jmp     label1
;;   block1:
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
;;     movq (%rdi), %rdi
;;     shrl $0x3, %esi
;;     movq 0x400(%rdi, %rsi, 8), %rax
;;     jmp     label1
;;   block1:
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
;;     movq (%rdi), %rdi
;;     shrl $0x2, %esi
;;     shll $0x3, %esi
;;     movq 0x400(%rdi, %rsi), %rax
;;     jmp     label1
;;   block1:
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
;;     movq (%rdi), %r8
;;     movzbl %sil, %edi
;;     shll $0x2, %edi
;;     addl $0x1, 0x400(%r8, %rdi)
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
