;; The upper half of a 128-bit product, from four products of halves.

(module
  (func $high (export "high") (param $a i64) (param $b i64) (result i64) (local $first i64)
    (local.set $first (i64.add
      (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.and (local.get $b) (i64.const 0xffffffff)))
      (i64.shr_u
        (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.and (local.get $b) (i64.const 0xffffffff)))
        (i64.const 32))))
    (i64.add
      (i64.add
        (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.shr_u (local.get $b) (i64.const 32)))
        (i64.shr_u (local.get $first) (i64.const 32)))
      (i64.shr_u
        (i64.add
          (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.shr_u (local.get $b) (i64.const 32)))
          (i64.and (local.get $first) (i64.const 0xffffffff)))
        (i64.const 32))))
  (func (export "square") (param $a i64) (result i64) (call $high (local.get $a) (local.get $a)))
  (func (export "by-constant") (param $a i64) (result i64) (call $high (local.get $a) (i64.const 0xfedcba9876543210)))
  ;; With additions that may wrap, as in Rust's runtime library.
  (func (export "high-carried") (param $a i64) (param $b i64) (result i64) (local $low i64) (local $cross i64) (local $middle i64) (local $sum i64) 
    (local.set $low (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.and (local.get $b) (i64.const 0xffffffff))))
    (local.set $cross (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.shr_u (local.get $b) (i64.const 32))))
    (local.set $middle (i64.add (local.get $cross) (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.and (local.get $b) (i64.const 0xffffffff)))))
    (local.set $sum (i64.add (local.get $low) (i64.shl (local.get $middle) (i64.const 32)))) 
    (i64.add (i64.add (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.shr_u (local.get $b) (i64.const 32))) (i64.or (i64.shl (i64.extend_i32_u (i64.lt_u (local.get $middle) (local.get $cross))) (i64.const 32)) (i64.shr_u (local.get $middle) (i64.const 32)))) (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low)))))
  ;; The first sum is masked by one bit less: another number.
  (func (export "near-miss") (param $a i64) (param $b i64) (result i64) (local $first i64)
    (local.set $first (i64.add
      (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.and (local.get $b) (i64.const 0xffffffff)))
      (i64.shr_u
        (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.and (local.get $b) (i64.const 0xffffffff)))
        (i64.const 32))))
    (i64.add
      (i64.add
        (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.shr_u (local.get $b) (i64.const 32)))
        (i64.shr_u (local.get $first) (i64.const 32)))
      (i64.shr_u
        (i64.add
          (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.shr_u (local.get $b) (i64.const 32)))
          (i64.and (local.get $first) (i64.const 0x7fffffff)))
        (i64.const 32)))))

(assert_return (invoke "high" (i64.const -1) (i64.const -1)) (i64.const -2))
(assert_return (invoke "high" (i64.const 0x123456789abcdef0) (i64.const 0x0fedcba987654321)) (i64.const 0x0121fa00ad77d742))
(assert_return (invoke "high" (i64.const 0xffffffff) (i64.const 0x100000001)) (i64.const 0))
(assert_return (invoke "high" (i64.const 0x8000000000000000) (i64.const 2)) (i64.const 1))
(assert_return (invoke "high-carried" (i64.const -1) (i64.const -1)) (i64.const -2))
(assert_return (invoke "high-carried" (i64.const 0x123456789abcdef0) (i64.const 0x0fedcba987654321)) (i64.const 0x0121fa00ad77d742))
(assert_return (invoke "high-carried" (i64.const 0xffffffff) (i64.const 0x100000001)) (i64.const 0))
(assert_return (invoke "square" (i64.const 0x123456789abcdef0)) (i64.const 0x014b66dc33f6acdc))
(assert_return (invoke "by-constant" (i64.const 0x123456789abcdef0)) (i64.const 0x121fa00ad77d7422))
(assert_return (invoke "near-miss" (i64.const -1) (i64.const -1)) (i64.const -3))
