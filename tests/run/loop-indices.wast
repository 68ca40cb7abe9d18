;; Indices of loops plus constants: proven not to wrap, or wrapping in the last rounds.

(module
  (memory 1)
  (data (i32.const 0) "\01\02\03\04\05\06\07\08\09\0a\0b\0c\0d\0e\0f\10")
  ;; i + 0xffff_fff8 is in the memory from the eighth round on only.
  (func (export "wraps-late") (param $i i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.add (local.get $i) (i32.const 0xfffffff8)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.ne (local.get $i) (i32.const 16))))
    (local.get $sum))
  ;; Counts up through zero: the index wraps between rounds.
  (func (export "through-zero") (result i32) (local $i i32) (local $sum i32)
    (local.set $i (i32.const -4))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (local.get $i) (i32.const 4)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.ne (local.get $i) (i32.const 4))))
    (local.get $sum))
  ;; Signed and unsigned bounds of the same bits.
  (func (export "signed-bound") (param $end i32) (result i32) (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (local.get $i) (i32.const 2)))))
      (local.set $i (i32.add (local.get $i) (i32.const 2)))
      (br_if $again (i32.lt_s (local.get $i) (local.get $end))))
    (local.get $sum))
  (func (export "unsigned-bound") (param $end i32) (result i32) (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (local.get $i) (i32.const 2)))))
      (local.set $i (i32.add (local.get $i) (i32.const 2)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $end))))
    (local.get $sum))
  ;; A bound that moves past the counter is missed: the counter wraps.
  (func (export "moving-bound") (result i32) (local $i i32) (local $end i32) (local $n i32) (local $sum i32)
    (local.set $end (i32.const 3))
    (block $out
      (loop $again
        (local.set $sum (i32.add (local.get $sum)
          (i32.load8_u (i32.add (local.get $i) (i32.const 8)))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $out (i32.eq (local.get $n) (i32.const 20)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $end (i32.and (i32.sub (local.get $end) (i32.const 1)) (i32.const 7)))
        (br_if $again (i32.ne (local.get $i) (local.get $end)))))
    (i32.add (i32.mul (local.get $n) (i32.const 1000)) (local.get $sum)))
  ;; Rows and columns; the row's start is the argument's lower bits.
  (func (export "row") (param $row i32) (result i32) (local $i i32) (local $sum i32)
    (local.set $row (i32.shl (i32.and (local.get $row) (i32.const 3)) (i32.const 2)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.add (i32.add (local.get $row) (local.get $i)) (i32.const 0)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (local.get $sum))
  ;; The same without a bound of the row: row plus column may wrap into the memory.
  (func (export "any-row") (param $row i32) (result i32) (local $i i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.add (i32.add (local.get $row) (local.get $i)) (i32.const 8)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (local.get $sum))
  ;; Offsets that leave no room beside two indices.
  (func (export "far-row") (param $row i32) (result i32) (local $i i32) (local $sum i32)
    (local.set $row (i32.shl (i32.and (local.get $row) (i32.const 3)) (i32.const 2)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u offset=0x80000000 (i32.add (local.get $row) (local.get $i)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (local.get $sum)))

(assert_return (invoke "wraps-late" (i32.const 8)) (i32.const 36))
(assert_return (invoke "wraps-late" (i32.const 15)) (i32.const 8))
(assert_trap (invoke "wraps-late" (i32.const 7)) "out of bounds memory access")
(assert_trap (invoke "wraps-late" (i32.const 16)) "out of bounds memory access")
(assert_return (invoke "through-zero") (i32.const 36))
(assert_return (invoke "signed-bound" (i32.const 6)) (i32.const 15))
(assert_return (invoke "signed-bound" (i32.const -1)) (i32.const 3))
(assert_return (invoke "unsigned-bound" (i32.const 6)) (i32.const 15))
(assert_trap (invoke "unsigned-bound" (i32.const -1)) "out of bounds memory access")
(assert_return (invoke "row" (i32.const 0)) (i32.const 10))
(assert_return (invoke "row" (i32.const -1)) (i32.const 58))
(assert_return (invoke "any-row" (i32.const -8)) (i32.const 10))
(assert_return (invoke "any-row" (i32.const 0)) (i32.const 42))
(assert_trap (invoke "any-row" (i32.const -9)) "out of bounds memory access")
(assert_trap (invoke "far-row" (i32.const 0)) "out of bounds memory access")
(assert_return (invoke "moving-bound") (i32.const 20100))
