;; Loops whose counters are tested before they advance, and whose indices come from values with more than 32 bits.

(module
  (memory 1)
  ;; Counts iterations of a loop that ends when the present value is the constant.
  (func (export "until-equal") (param $i i32) (result i32) (local $n i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (local.get $i)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (i32.const 5)
      (br_if $again (i32.ne)))
    (local.get $n))
  ;; The next value of the last round wraps to zero.
  (func (export "until-the-largest") (param $i i32) (result i32) (local $n i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (local.get $i)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (i32.const -1)
      (br_if $again (i32.ne)))
    (i32.add (local.get $n) (local.get $i)))
  (func (export "until-the-largest-i64") (param $i i64) (result i64) (local $n i64)
    (loop $again
      (local.set $n (i64.add (local.get $n) (i64.const 1)))
      (local.get $i)
      (local.set $i (i64.add (local.get $i) (i64.const 3)))
      (i64.const -2)
      (br_if $again (i64.ne)))
    (i64.add (local.get $n) (local.get $i)))
  ;; The present value is tested without a compare, and used after the loop.
  (func (export "until-zero") (param $i i32) (result i32) (local $n i32) (local $last i32)
    (loop $again
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (local.set $last (local.get $i))
      (local.get $i)
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br_if $again))
    (i32.add (i32.mul (local.get $n) (i32.const 1000)) (i32.add (local.get $last) (local.get $i))))
  ;; Ends when the value differs: the other condition, leaving forwards.
  (func (export "while-equal") (param $i i32) (result i32) (local $n i32)
    (block $out
      (loop $again
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (local.get $i)
        (local.set $i (i32.add (local.get $i) (i32.const 7)))
        (i32.const 3)
        (br_if $out (i32.ne))
        (br $again)))
    (i32.add (i32.mul (local.get $n) (i32.const 1000)) (local.get $i)))

  ;; An index that is the lower half of a longer number, on the way into the loop and around it.
  (func (export "store-at-halves") (param $wide i64) (param $step i64) (result i32) (local $i i32) (local $n i32)
    (local.set $i (i32.wrap_i64 (local.get $wide)))
    (loop $again
      (i32.store8 (local.get $i) (i32.const 9))
      (i32.store8 offset=100 (local.get $i) (i32.const 9))
      (local.set $wide (i64.add (local.get $wide) (local.get $step)))
      (local.set $i (i32.wrap_i64 (local.get $wide)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 10))))
    (i32.load8_u offset=99 (local.get $i)))
  ;; An index that is loaded and stays an operand, where a chain of addresses is followed.
  (func (export "follow") (param $at i32) (param $steps i32) (result i32)
    (loop $again
      (local.set $at (i32.load (local.get $at)))
      (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
    (local.get $at))
  (func (export "link") (param $at i32) (param $to i32) (i32.store (local.get $at) (local.get $to)))
  ;; Two counters that change places.
  (func (export "swap") (param $a i32) (param $b i32) (param $n i32) (result i32) (local $sum i32) (local $t i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $a))))
      (local.set $sum (i32.shl (local.get $sum) (i32.const 1)))
      (local.set $t (local.get $a))
      (local.set $a (local.get $b))
      (local.set $b (local.get $t))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "set") (param $at i32) (param $to i32) (i32.store8 (local.get $at) (local.get $to))))

(assert_return (invoke "until-equal" (i32.const 5)) (i32.const 1))
(assert_return (invoke "until-equal" (i32.const 0)) (i32.const 6))
(assert_return (invoke "until-the-largest" (i32.const -1)) (i32.const 1))
(assert_return (invoke "until-the-largest" (i32.const -4)) (i32.const 4))
(assert_return (invoke "until-the-largest-i64" (i64.const -2)) (i64.const 2))
(assert_return (invoke "until-the-largest-i64" (i64.const -11)) (i64.const 5))
(assert_return (invoke "until-zero" (i32.const 0)) (i32.const 999))
(assert_return (invoke "until-zero" (i32.const 3)) (i32.const 3999))
(assert_return (invoke "while-equal" (i32.const 3)) (i32.const 2017))
(assert_return (invoke "while-equal" (i32.const 4)) (i32.const 1011))

(assert_return (invoke "store-at-halves" (i64.const 0x7fff_0000_0000_0010) (i64.const 0x1_0000_0001)) (i32.const 9))
(assert_return (invoke "store-at-halves" (i64.const -4294967296) (i64.const -4294967295)) (i32.const 9))
(assert_trap (invoke "store-at-halves" (i64.const 0x1_0000_fff8) (i64.const 0x1_0000_0001)) "out of bounds memory access")
(invoke "link" (i32.const 1000) (i32.const 2000))
(invoke "link" (i32.const 2000) (i32.const 3000))
(invoke "link" (i32.const 3000) (i32.const -8))
(assert_return (invoke "follow" (i32.const 1000) (i32.const 3)) (i32.const -8))
(assert_trap (invoke "follow" (i32.const 1000) (i32.const 4)) "out of bounds memory access")
(invoke "set" (i32.const 7) (i32.const 3))
(invoke "set" (i32.const 8) (i32.const 5))
(assert_return (invoke "swap" (i32.const 7) (i32.const 8) (i32.const 3)) (i32.const 50))
(assert_trap (invoke "swap" (i32.const 7) (i32.const -8) (i32.const 2)) "out of bounds memory access")
