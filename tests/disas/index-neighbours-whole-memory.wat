;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (memory 65536) (func (param $at i32) (param $value i32) (i32.store8 (i32.add (local.get $at) (i32.const 1024)) (local.get $value)) (i32.store8 (i32.add (local.get $at) (i32.const 1025)) (local.get $value)) (i32.store8 (i32.sub (local.get $value) (i32.const 4)) (local.get $at))))

;; function 0: function[0]
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq (%rdi), %rdi
;;     leal 0x400(%rsi), %r8d
;;     movb %dl, (%rdi, %r8)
;;     leal 0x401(%rsi), %r8d
;;     movb %dl, (%rdi, %r8)
;;     subl $0x4, %edx
;;     movb %sil, (%rdi, %rdx)
;;     jmp     label1
;;   block1:
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
