;; Constants whose bytes look like a jump of the stack check to its trap: `0f 87` and a distance. Code that is changed
;; after it was generated must not take them for one.

(module
  (memory 200)
  (func (export "constant") (param i32) (result i64)
    (if (local.get 0) (then (unreachable)))
    (i64.const 0x11220000000e870f))
  (func (export "offset") (param i32)
    (if (local.get 0) (then (unreachable)))
    (i32.store offset=0x6a870f (i32.const 0) (i32.const 0x41410000)))
  (func (export "near") (param i32) (result i64)
    (if (local.get 0) (then (unreachable)))
    (i64.add (i64.add (i64.const 0x112200000010870f) (i64.const 0x112200000012870f))
      (i64.add (i64.const 0x112200000014870f) (i64.const 0x112200000016870f))))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))

(assert_return (invoke "constant" (i32.const 0)) (i64.const 0x11220000000e870f))
(assert_return (invoke "near" (i32.const 0)) (i64.const 0x44880000004e1c3c))
(assert_return (invoke "offset" (i32.const 0)))
(assert_return (invoke "load" (i32.const 0x6a870f)) (i32.const 0x41410000))
(assert_return (invoke "load" (i32.const 0x6c870f)) (i32.const 0))
(assert_trap (invoke "constant" (i32.const 1)) "unreachable")
