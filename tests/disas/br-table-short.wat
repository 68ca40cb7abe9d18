;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module
  ;; Three targets, then one target with two exceptions.
  (func (param i32) (result i32)
    (block (block (block (br_table 0 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.const 20)))
    (i32.const 30))
  (func (param i32) (result i32)
    (block (block (block (br_table 2 2 0 2 2 2 2 1 2 (local.get 0))) (return (i32.const 10))) (return (i32.const 20)))
    (i32.const 30)))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     testl %esi, %esi
;;     jz      label5; j label1
;;   block1:
;;     cmpl $0x2, %esi
;;     jb      label4; j label2
;;   block2:
;;     jmp     label3
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
;;
;; function 1: function[1]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     cmpl $0x2, %esi
;;     jz      label5; j label1
;;   block1:
;;     cmpl $0x7, %esi
;;     jz      label4; j label2
;;   block2:
;;     jmp     label3
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
