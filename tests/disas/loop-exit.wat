;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param $value i32) (local $i i32) (loop $again (i32.store (local.get $i) (local.get $value)) (br_if $again (i32.ne (local.get $i) (i32.const 396) (local.set $i (i32.add (local.get $i) (i32.const 4))))))))

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
;;     movl %esi, (%rdi, %r8)
;;     leal 4(%r8), %r8d
;;     cmpl $0x190, %r8d
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
