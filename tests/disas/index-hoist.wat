;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 4) (func (param $row i32) (result i32) (local $i i32) (local $sum i32) (local.set $row (i32.shl (i32.and (local.get $row) (i32.const 63)) (i32.const 8))) (loop $again (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (i32.add (local.get $row) (local.get $i)) (i32.const 1024))))) (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 256)))) (local.get $sum)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     uninit  %rax
;;     xorl %eax, %eax
;;     movq (%rdi), %rcx
;;     andl $0x3f, %esi
;;     shll $0x8, %esi
;;     leal 0x400(%rsi), %edx
;;     leaq (%rcx, %rdx), %rcx
;;     uninit  %r11
;;     xorq %r11, %r11
;;     jmp     label1
;;   block1:
;;     movzbq (%rcx, %r11), %rdx
;;     leal 1(%r11), %r11d
;;     leal (%rax, %rdx), %eax
;;     cmpl $0x100, %r11d
;;     jb      label2; j label3
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
