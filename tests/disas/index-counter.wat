;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (result i32) (local $at i32) (local $sum i32) (local.set $at (i32.const -400)) (loop $again (local.set $sum (i32.add (local.get $sum) (i32.load (i32.add (local.get $at) (i32.const 1424))))) (br_if $again (local.tee $at (i32.add (local.get $at) (i32.const 4))))) (local.get $sum)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     uninit  %rax
;;     xorl %eax, %eax
;;     movq (%rdi), %r11
;;     uninit  %rsi
;;     xorq %rsi, %rsi
;;     jmp     label1
;;   block1:
;;     movl 0x400(%r11, %rsi), %ecx
;;     leal (%rax, %rcx), %eax
;;     leal 4(%rsi), %esi
;;     cmpl $0x190, %esi
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
