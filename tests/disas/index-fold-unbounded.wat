;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 4) (func (param $end i32) (local $i i32) (loop $again (i64.store (i32.add (local.get $i) (i32.const 4096)) (i64.const 0)) (br_if $again (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 8))) (local.get $end))))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %rdi
;;     uninit  %r8
;;     xorq %r8, %r8
;;     jmp     label1
;;   block1:
;;     movq $0x0, 0x1000(%rdi, %r8)
;;     leal 8(%r8), %r8d
;;     cmpl %esi, %r8d
;;     jnz     label2; j label3
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
