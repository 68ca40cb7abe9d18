;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "explicit spectre"
(module (memory 1) (func (param i32) (result i32) (i32.load offset=4 (local.get 0))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %r11
;;     movq 8(%rdi), %rax
;;     movl %esi, %ecx
;;     leaq 8(%rcx), %rdx
;;     cmpq %rax, %rdx
;;     jnbe #trap=user2
;;     uninit  %rsi
;;     xorq %rsi, %rsi
;;     leaq 4(%r11, %rcx), %rcx
;;     cmpq %rax, %rdx
;;     cmovaq %rsi, %rcx
;;     movl (%rcx), %eax
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
