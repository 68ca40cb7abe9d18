;;! arch = "x86_64"
;;! emit = "asm"
;;! options = ""
(module (func (export "product") (param $a i64) (param $b i64) (result i64) (local $low i64) (local $cross i64) (local $middle i64) (local $sum i64) (local.set $low (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.and (local.get $b) (i64.const 0xffffffff)))) (local.set $cross (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.shr_u (local.get $b) (i64.const 32)))) (local.set $middle (i64.add (local.get $cross) (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.and (local.get $b) (i64.const 0xffffffff))))) (local.set $sum (i64.add (local.get $low) (i64.shl (local.get $middle) (i64.const 32)))) (i64.xor (local.get $sum) (i64.add (i64.add (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.shr_u (local.get $b) (i64.const 32))) (i64.or (i64.shl (i64.extend_i32_u (i64.lt_u (local.get $middle) (local.get $cross))) (i64.const 32)) (i64.shr_u (local.get $middle) (i64.const 32)))) (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low)))))))

;; function 0: product
;;     pushq %rbp
;;     unwind PushFrameRegs { offset_upward_to_caller_sp: 16 }
;;     movq %rsp, %rbp
;;     unwind DefineNewFrame { offset_upward_to_caller_sp: 16, offset_downward_to_clobbers: 0 }
;;   block0:
;;     movq %rdx, %r10
;;     jmp     label1
;;   block1:
;;     movq %r10, %rax
;;     mulq %rsi ;; implicit: %rax, %rdx
;;     movq %rdx, %rdi
;;     movq %r10, %rdx
;;     imulq %rsi, %rdx
;;     movq %rdi, %r10
;;     movq %rdx, %rax
;;     xorq %r10, %rax
;;     movq %rbp, %rsp
;;     popq %rbp
;;     retq
