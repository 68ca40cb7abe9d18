;;! arch = "x86_64"
;;! emit = "asm"
;;! options = "explicit spectre"
(module
  (func (param i32) (result i32)
    (block (block (block (block (block (block
      (br_table 0 1 2 3 4 5 (local.get 0)))
      (return (i32.const 10))) (return (i32.const 20))) (return (i32.const 30))) (return (i32.const 40))) (return (i32.const 50)))
    (i32.const 60)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movl $0x5, %r10d
;;     movl %esi, %r11d
;;     cmpl %r10d, %r11d
;;     cmovbl %r11d, %r10d
;;     br_table %r10, %rcx, %rax
;;   block1:
;;     movl $0x32, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block2:
;;     movl $0x28, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block3:
;;     movl $0x1e, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block4:
;;     movl $0x14, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block5:
;;     movl $0xa, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block6:
;;     jmp     label7
;;   block7:
;;     movl $0x3c, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
