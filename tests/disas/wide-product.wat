;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (func (export "product") (param $a i64) (param $b i64) (result i64) (local $low i64) (local $first i64) (local $second i64) (local.set $low (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.and (local.get $b) (i64.const 0xffffffff)))) (local.set $first (i64.add (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.and (local.get $b) (i64.const 0xffffffff))) (i64.shr_u (local.get $low) (i64.const 32)))) (local.set $second (i64.add (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.shr_u (local.get $b) (i64.const 32))) (i64.and (local.get $first) (i64.const 0xffffffff)))) (i64.xor (i64.or (i64.shl (local.get $second) (i64.const 32)) (i64.and (local.get $low) (i64.const 0xffffffff))) (i64.add (i64.add (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.shr_u (local.get $b) (i64.const 32))) (i64.shr_u (local.get $first) (i64.const 32))) (i64.shr_u (local.get $second) (i64.const 32))))))

;; function 0: product
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     jmp     label1
;;   block1:
;;     movq %rdx, %r11
;;     movq %rsi, %rax
;;     mulq %r11 ;; implicit: %rax, %rdx
;;     movq %rdx, %rdi
;;     movq %r11, %rdx
;;     imulq %rdx, %rsi
;;     movq %rdi, %rdx
;;     movq %rsi, %rax
;;     xorq %rdx, %rax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
