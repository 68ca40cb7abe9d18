;; Calls with more arguments than registers, of mixed types, direct, imported and indirect.

(module $A
  (func (export "mix") (param i32 f64 i64 f32 i32 i32 i64 f64 f64 i32 i32 f32 i64 f64 f64 f64 f64 f64 f64 i32)
    (result f64)
    (f64.add
      (f64.add
        (f64.add (f64.convert_i32_s (local.get 0)) (f64.mul (local.get 1) (f64.const 2)))
        (f64.add (f64.convert_i64_s (local.get 2)) (f64.promote_f32 (local.get 3))))
      (f64.add
        (f64.add (f64.convert_i32_s (i32.sub (local.get 4) (local.get 5))) (f64.convert_i64_s (local.get 6)))
        (f64.add
          (f64.add (f64.sub (local.get 7) (local.get 8)) (f64.convert_i32_s (i32.xor (local.get 9) (local.get 10))))
          (f64.add
            (f64.add (f64.promote_f32 (local.get 11)) (f64.convert_i64_s (local.get 12)))
            (f64.add
              (f64.mul (local.get 17) (f64.const 1000))
              (f64.add (f64.mul (local.get 18) (f64.const 10000))
                (f64.convert_i32_s (local.get 19)))))))))
)
(register "a" $A)

(module
  (type $mix (func (param i32 f64 i64 f32 i32 i32 i64 f64 f64 i32 i32 f32 i64 f64 f64 f64 f64 f64 f64 i32)
    (result f64)))
  (import "a" "mix" (func $mix (type $mix)))
  (table (export "table") 3 funcref)
  (elem (i32.const 0) $mix $local)
  (func $local (type $mix)
    (call $mix (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
      (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10) (local.get 11)
      (local.get 12) (local.get 13) (local.get 14) (local.get 15) (local.get 16) (local.get 17)
      (local.get 18) (i32.add (local.get 19) (i32.const 1))))
  (func (export "direct") (result f64)
    (call $mix (i32.const 1) (f64.const 2) (i64.const 3) (f32.const 4) (i32.const 5) (i32.const 6)
      (i64.const 7) (f64.const 8) (f64.const 9) (i32.const 10) (i32.const 11) (f32.const 12)
      (i64.const 13) (f64.const 14) (f64.const 15) (f64.const 16) (f64.const 17) (f64.const 18)
      (f64.const 19) (i32.const 20)))
  (func (export "indirect") (param i32) (result f64)
    (call_indirect (type $mix)
      (i32.const 1) (f64.const 2) (i64.const 3) (f32.const 4) (i32.const 5) (i32.const 6)
      (i64.const 7) (f64.const 8) (f64.const 9) (i32.const 10) (i32.const 11) (f32.const 12)
      (i64.const 13) (f64.const 14) (f64.const 15) (f64.const 16) (f64.const 17) (f64.const 18)
      (f64.const 19) (i32.const 20) (local.get 0)))
  (func (export "wrong-type") (param i32)
    (call_indirect (local.get 0))))

(assert_return (invoke "direct") (f64.const 208063))
(assert_return (invoke "indirect" (i32.const 0)) (f64.const 208063))
(assert_return (invoke "indirect" (i32.const 1)) (f64.const 208064))
(assert_trap (invoke "indirect" (i32.const 2)) "uninitialized element")
(assert_trap (invoke "indirect" (i32.const 3)) "undefined element")
(assert_trap (invoke "indirect" (i32.const -1)) "undefined element")
(assert_trap (invoke "wrong-type" (i32.const 0)) "indirect call type mismatch")
(assert_trap (invoke "wrong-type" (i32.const 2)) "uninitialized element")

;; The same type at other indices, in two modules that call each other through a table.
(module $T (table (export "table") 4 funcref))
(register "t" $T)
(module
  (type $a (func (param i32) (result i32)))
  (type $b (func (param i64) (result i64)))
  (import "t" "table" (table 4 funcref))
  (func $double (type $a) (i32.mul (local.get 0) (i32.const 2)))
  (elem (i32.const 0) $double))
(module
  (type $b (func (param i64) (result i64)))
  (type $unused (func (param f32)))
  (type $a (func (param i32) (result i32)))
  (import "t" "table" (table 4 funcref))
  (func $square (type $b) (i64.mul (local.get 0) (local.get 0)))
  (elem (i32.const 1) $square)
  (func (export "call-a") (param i32 i32) (result i32)
    (call_indirect (type $a) (local.get 1) (local.get 0)))
  (func (export "call-b") (param i32 i64) (result i64)
    (call_indirect (type $b) (local.get 1) (local.get 0))))
(assert_return (invoke "call-a" (i32.const 0) (i32.const 21)) (i32.const 42))
(assert_return (invoke "call-b" (i32.const 1) (i64.const 5)) (i64.const 25))
(assert_trap (invoke "call-a" (i32.const 1) (i32.const 21)) "indirect call type mismatch")
(assert_trap (invoke "call-b" (i32.const 0) (i64.const 5)) "indirect call type mismatch")
(assert_trap (invoke "call-b" (i32.const 2) (i64.const 5)) "uninitialized element")
