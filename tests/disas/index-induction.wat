;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param $from i32) (param $count i32) (result i32) (local $at i32) (local $sum i32) (loop $again (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (i32.add (local.get $from) (i32.const 4096)) (local.get $at))))) (br_if $again (i32.ne (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $count)))) (local.get $sum)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     uninit  %rax
;;     xorl %eax, %eax
;;     movq (%rdi), %rcx
;;     leal 0x1000(%rsi), %esi
;;     leaq (%rcx, %rsi), %rcx
;;     uninit  %r10
;;     xorq %r10, %r10
;;     jmp     label1
;;   block1:
;;     movzbq (%rcx, %r10), %rsi
;;     leal 1(%r10), %r10d
;;     leal (%rax, %rsi), %eax
;;     cmpl %edx, %r10d
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
