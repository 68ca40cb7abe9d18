;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module
  (memory 1)
  ;; The mask removes nothing; it is an extension; an address; of 64 bits; part of a test.
  (func (param i32) (result i32) (i32.and (i32.load8_u (local.get 0)) (i32.const 255)))
  (func (param i32 i32) (result i32) (i32.add (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 0xffff))))
  (func (param i32) (result i32) (i32.load8_u offset=1024 (i32.and (local.get 0) (i32.const 255))))
  (func (param i64) (result i64) (i64.and (local.get 0) (i64.const 0xffffffff)))
  (func (param i32) (result i32)
    (if (result i32) (i32.and (local.get 0) (i32.const 255)) (then (i32.const 1)) (else (i32.const 2)))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq %rsi, %r8
;;     movq (%rdi), %rsi
;;     movq %r8, %rdi
;;     movl %edi, %edi
;;     movzbq (%rsi, %rdi), %rax
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
;;     jmp     label1
;;   block1:
;;     movzbl %sil, %esi
;;     movzwl %dx, %edi
;;     leal (%rsi, %rdi), %eax
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
;;     movq %rsi, %r8
;;     movq (%rdi), %rsi
;;     movq %r8, %rdi
;;     movzbq %dil, %rdi
;;     movzbq 0x400(%rsi, %rdi), %rax
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
;;     jmp     label1
;;   block1:
;;     movl %esi, %eax
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
;;     testl $0xff, %esi
;;     jnz     label2; j label1
;;   block1:
;;     movl $0x2, %eax
;;     jmp     label3
;;   block2:
;;     movl $0x1, %eax
;;     jmp     label3
;;   block3:
;;     jmp     label4
;;   block4:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
