;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param $at i32) (param $value i32) (if (local.get $value) (then (i32.store8 (i32.add (local.get $at) (i32.const 1024)) (local.get $value)))) (i32.store8 (i32.add (local.get $at) (i32.const 1028)) (local.get $value)) (i32.store8 (i32.add (local.get $at) (i32.const 66564)) (local.get $value)) (i32.store8 offset=1 (i32.add (local.get $at) (i32.const 1027)) (local.get $value))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     testl %edx, %edx
;;     jnz     label2; j label1
;;   block1:
;;     jmp     label3
;;   block2:
;;     movq (%rdi), %rax
;;     leal 0x400(%rsi), %ecx
;;     movb %dl, (%rax, %rcx)
;;     jmp     label3
;;   block3:
;;     movq (%rdi), %rax
;;     leal 0x404(%rsi), %ecx
;;     movb %dl, (%rax, %rcx)
;;     leal 0x10404(%rsi), %ecx
;;     movb %dl, (%rax, %rcx)
;;     leal 0x403(%rsi), %ecx
;;     movb %dl, 1(%rax, %rcx)
;;     jmp     label4
;;   block4:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
