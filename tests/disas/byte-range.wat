;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 1) (func (param $at i32) (result i32) (i32.lt_u (i32.and (i32.sub (i32.load8_u (local.get $at)) (i32.const 97)) (i32.const 255)) (i32.const 26))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %r8
;;     movl %esi, %r9d
;;     movzbq (%r8, %r9), %rdi
;;     jmp     label1
;;   block1:
;;     subl $0x61, %edi
;;     cmpl $0x1a, %edi
;;     setb %r10b
;;     movzbl %r10b, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
