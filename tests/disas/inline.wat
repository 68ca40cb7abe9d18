;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func $byte (param $at i32) (result i32) (i32.load8_u (local.get $at))) (func $equal (param i32 i32) (result i32) (i32.eq (call $byte (local.get 0)) (call $byte (local.get 1)))) (func $skip (export "skip") (param $at i32) (result i32) (loop $again (local.set $at (i32.add (local.get $at) (i32.const 1))) (br_if $again (call $equal (local.get $at) (i32.const 100)))) (local.get $at)))

;; function 0: byte
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
;; function 1: equal
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %r11
;;     movl %esi, %r10d
;;     movzbq (%r11, %r10), %r10
;;     jmp     label1
;;   block1:
;;     movl %edx, %eax
;;     movzbq (%r11, %rax), %r11
;;     jmp     label2
;;   block2:
;;     jmp     label3
;;   block3:
;;     cmpl %r11d, %r10d
;;     sete %al
;;     movzbl %al, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 2: skip
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %rdi
;;     jmp     label1
;;   block1:
;;     leal 1(%rsi), %eax
;;     movzbq (%rdi, %rax), %r8
;;     jmp     label2
;;   block2:
;;     movzbq 0x64(%rdi), %r9
;;     jmp     label3
;;   block3:
;;     jmp     label4
;;   block4:
;;     cmpl %r9d, %r8d
;;     jz      label5; j label6
;;   block5:
;;     movq %rax, %rsi
;;     jmp     label1
;;   block6:
;;     jmp     label7
;;   block7:
;;     jmp     label8
;;   block8:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
