;; Counts the primes below a bound with a sieve in linear memory: the module of the README's demo.
(module
  (memory (export "memory") 64)

  (func (export "count_primes") (param $bound i32) (result i32)
    (local $candidate i32) (local $multiple i32) (local $count i32)
    ;; Clear one byte per number: 0 means "may be prime".
    (block $cleared
      (loop $clear
        (br_if $cleared (i32.ge_u (local.get $candidate) (local.get $bound)))
        (i32.store8 (local.get $candidate) (i32.const 0))
        (local.set $candidate (i32.add (local.get $candidate) (i32.const 1)))
        (br $clear)))
    (local.set $candidate (i32.const 2))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $candidate) (local.get $bound)))
        (if (i32.eqz (i32.load8_u (local.get $candidate)))
          (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (local.set $multiple (i32.shl (local.get $candidate) (i32.const 1)))
            (block $crossed
              (loop $cross
                (br_if $crossed (i32.ge_u (local.get $multiple) (local.get $bound)))
                (i32.store8 (local.get $multiple) (i32.const 1))
                (local.set $multiple (i32.add (local.get $multiple) (local.get $candidate)))
                (br $cross)))))
        (local.set $candidate (i32.add (local.get $candidate) (i32.const 1)))
        (br $next)))
    (local.get $count)))
