;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "explicit"
(module (memory 1) (func (param i32) (result i32) (i32.load offset=0x80000004 (local.get 0))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %r9
;;     movl %esi, %r10d
;;     movl $0x80000008, %r11d
;;     leaq (%r10, %r11), %r11
;;     cmpq 8(%rdi), %r11
;;     jnbe #trap=user2
;;     movl $0x80000004, %r11d
;;     leaq (%r10, %r11), %r11
;;     movl (%r9, %r11), %eax
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
