;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (func (param i32) (result i32) (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.const 20))) (i32.const 30)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movl $0x2, %edi
;;     movl %esi, %r8d
;;     cmpl %edi, %r8d
;;     cmovbl %r8d, %edi
;;     br_table %rdi, %rcx, %rax
;;   block1:
;;     movl $0x14, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block2:
;;     movl $0xa, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block3:
;;     jmp     label4
;;   block4:
;;     movl $0x1e, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
