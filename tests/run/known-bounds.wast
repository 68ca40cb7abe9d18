;; What explicit checks keep of the memory and of checked indices is forgotten where it must be.
(module
  (memory (export "memory") 1 4)
  (func $grow (result i32) (memory.grow (i32.const 1)))
  (func $touch (param i32) (i32.store (local.get 0) (i32.const 7)))

  ;; The length is another one after a call, in a loop and behind it.
  (func (export "grow_in_a_loop") (result i32) (local $round i32) (local $sum i32)
    (loop $again
      (if (i32.eq (local.get $round) (i32.const 2)) (then (drop (call $grow))))
      (if (i32.ge_u (local.get $round) (i32.const 2))
        (then (i32.store (i32.const 65536) (local.get $round))
          (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 65536))))))
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $round) (i32.const 5))))
    (local.get $sum))

  ;; An index that was checked on one way only.
  (func (export "checked_on_one_way") (param $which i32) (param $at i32) (result i32)
    (if (local.get $which) (then (drop (i32.load offset=8 (local.get $at)))))
    (i32.load (local.get $at)))
  (func (export "checked_before_a_branch") (param $which i32) (param $at i32) (result i32)
    (block $out
      (br_if $out (local.get $which))
      (drop (i32.load offset=8 (local.get $at))))
    (i32.load (local.get $at)))
  (func (export "checked_in_another_arm") (param $which i32) (param $at i32) (result i32)
    (if (result i32) (local.get $which)
      (then (i32.load (local.get $at)))
      (else (i32.load (local.get $at)))))

  ;; A shorter access first; the longer one has a check of its own.
  (func (export "longer_behind") (param $at i32) (result i64)
    (drop (i32.load8_u (local.get $at)))
    (i64.load (local.get $at)))
  (func (export "shorter_behind") (param $at i32) (result i32)
    (drop (i64.load (local.get $at)))
    (i32.load8_u offset=7 (local.get $at)))

  ;; The index is another value in each round.
  (func (export "last_of_a_loop") (param $from i32) (param $rounds i32) (result i32)
    (loop $again
      (drop (i32.load8_u offset=3 (local.get $from)))
      (drop (i32.load8_u (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (local.get $from))

  ;; Loops in one another; the outer one calls, the inner one does not.
  (func (export "nested") (result i32) (local $outer i32) (local $inner i32) (local $sum i32)
    (loop $next
      (local.set $inner (i32.const 0))
      (loop $again
        (i32.store (local.get $inner) (local.get $outer))
        (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $inner))))
        (local.set $inner (i32.add (local.get $inner) (i32.const 4)))
        (br_if $again (i32.lt_u (local.get $inner) (i32.const 16))))
      (call $touch (i32.const 0))
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 0))))
      (local.set $outer (i32.add (local.get $outer) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $outer) (i32.const 3))))
    (local.get $sum)))

(assert_return (invoke "checked_on_one_way" (i32.const 0) (i32.const 65532)) (i32.const 0))
(assert_trap (invoke "checked_on_one_way" (i32.const 1) (i32.const 65532)) "out of bounds memory access")
(assert_trap (invoke "checked_on_one_way" (i32.const 0) (i32.const 65533)) "out of bounds memory access")
(assert_trap (invoke "checked_before_a_branch" (i32.const 1) (i32.const 65533)) "out of bounds memory access")
(assert_return (invoke "checked_before_a_branch" (i32.const 1) (i32.const 65532)) (i32.const 0))
(assert_trap (invoke "checked_before_a_branch" (i32.const 0) (i32.const 65532)) "out of bounds memory access")
(assert_trap (invoke "checked_in_another_arm" (i32.const 0) (i32.const 65533)) "out of bounds memory access")
(assert_trap (invoke "checked_in_another_arm" (i32.const 1) (i32.const 65533)) "out of bounds memory access")
(assert_return (invoke "longer_behind" (i32.const 65528)) (i64.const 0))
(assert_trap (invoke "longer_behind" (i32.const 65529)) "out of bounds memory access")
(assert_return (invoke "shorter_behind" (i32.const 65528)) (i32.const 0))
(assert_trap (invoke "shorter_behind" (i32.const 65529)) "out of bounds memory access")
(assert_return (invoke "last_of_a_loop" (i32.const 65530) (i32.const 3)) (i32.const 65533))
(assert_trap (invoke "last_of_a_loop" (i32.const 65530) (i32.const 4)) "out of bounds memory access")
(assert_return (invoke "nested") (i32.const 33))
(assert_return (invoke "grow_in_a_loop") (i32.const 9))
