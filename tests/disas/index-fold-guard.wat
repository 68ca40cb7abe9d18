;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module
  (memory 1)
  ;; A branch bounds the index.
  (func (param i32) (result i32)
    (if (i32.ge_u (local.get 0) (i32.const 1000)) (then (return (i32.const 0))))
    (i32.load8_u (i32.add (local.get 0) (i32.const 64))))
  ;; It bounds the other way.
  (func (param i32) (result i32)
    (if (i32.lt_u (local.get 0) (i32.const 1000)) (then (return (i32.const 0))))
    (i32.load8_u (i32.add (local.get 0) (i32.const 64))))
  ;; A minimum bounds the end of a loop whose step is not known.
  (func (param $end i32) (param $step i32) (local $at i32)
    (local.set $end (select (local.get $end) (i32.const 4096) (i32.lt_u (local.get $end) (i32.const 4096))))
    (loop $again
      (i32.store8 (i32.add (local.get $at) (i32.const 64)) (i32.const 1))
      (br_if $again
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (local.get $step))) (local.get $end))))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     cmpl $0x3e8, %esi
;;     jnb     label4; j label1
;;   block1:
;;     jmp     label2
;;   block2:
;;     movq (%rdi), %r10
;;     movl %esi, %r11d
;;     movzbq 0x40(%r10, %r11), %rax
;;     jmp     label3
;;   block3:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block4:
;;     uninit  %rax
;;     xorl %eax, %eax
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
;;     cmpl $0x3e8, %esi
;;     jb      label4; j label1
;;   block1:
;;     jmp     label2
;;   block2:
;;     movq (%rdi), %r10
;;     leal 0x40(%rsi), %r11d
;;     movzbq (%r10, %r11), %rax
;;     jmp     label3
;;   block3:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;   block4:
;;     uninit  %rax
;;     xorl %eax, %eax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
;;
;; function 2: function[2]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %r11
;;     movl $0x1000, %eax
;;     cmpl %esi, %eax
;;     cmovbl %eax, %esi
;;     uninit  %r8
;;     xorq %r8, %r8
;;     jmp     label1
;;   block1:
;;     movl $0x1, %eax
;;     movb %al, 0x40(%r11, %r8)
;;     leal (%r8, %rdx), %r8d
;;     cmpl %esi, %r8d
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
