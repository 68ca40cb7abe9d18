;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module
  (memory 1)
  (func (param i32)
    (local $next i32)
    (loop
      (i32.store8 (local.get 0) (i32.const 1))
      (br_if 0 (i32.ge_u (local.tee $next (i32.add (local.get 0) (i32.const 8))) (local.get 0) (local.set 0 (local.get $next)))))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %rdi
;;     movl %esi, %esi
;;     jmp     label1
;;   block1:
;;     movl $0x1, %r8d
;;     movb %r8b, (%rdi, %rsi)
;;     leal 8(%rsi), %esi
;;     cmpl $0x8, %esi
;;     jnb     label2; j label3
;;   block2:
;;     jmp     label1
;;   block3:
;;     jmp     label4
;;   block4:
;;     jmp     label5
;;   block5:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
