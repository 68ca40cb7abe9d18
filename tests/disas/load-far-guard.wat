;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param i32) (result i32) (i32.load offset=0x80000004 (local.get 0))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %rdi
;;     movl %esi, %r8d
;;     movl $0x80000004, %r9d
;;     leaq (%r8, %r9), %r8
;;     movl (%rdi, %r8), %eax
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
