;; One module with every kind of operator: its machine code is the codegen fingerprint.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "env" "host" (func $host (param i32 f64) (result i32)))
  (import "env" "limit" (global $limit i32))
  (memory (export "memory") 1 4)
  (table $private 4 funcref)
  (global $counter (mut i64) (i64.const 7))
  (elem (i32.const 0) $sum $gcd)
  (data (i32.const 16) "wasmelt")

  (func $sum (export "sum") (type $binary)
    (local $total i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get 0) (local.get 1)))
        (local.set $total
          (i32.add (local.get $total) (i32.load offset=4 (local.get 0))))
        (local.set 0 (i32.add (local.get 0) (i32.const 4)))
        (br $next)))
    (local.get $total))

  (func $gcd (type $binary)
    (if (result i32) (i32.eqz (local.get 1))
      (then (local.get 0))
      (else (call $gcd (local.get 1) (i32.rem_u (local.get 0) (local.get 1))))))

  (func (export "dispatch") (param i32 i32 i32) (result i32)
    (block $two (block $one (block $zero
      (br_table $zero $one $two (local.get 0)))
      (return (call_indirect (type $binary) (local.get 1) (local.get 2) (local.get 0))))
      (return (call $host (local.get 1) (f64.convert_i32_u (local.get 2)))))
    (i32.div_s (local.get 1) (local.get 2)))

  (func (export "floats") (param f64 f32) (result f64)
    (f64.max
      (f64.mul (f64.sqrt (local.get 0)) (f64.promote_f32 (f32.nearest (local.get 1))))
      (f64.copysign (f64.floor (local.get 0)) (f64.neg (local.get 0)))))

  (func (export "convert") (param f64) (result i64)
    (i64.add (i64.trunc_f64_s (local.get 0))
      (i64.extend_i32_u (i32.trunc_f64_u (local.get 0)))))

  (func (export "bits") (param i64 i32) (result i64)
    (global.set $counter (i64.rotl (global.get $counter) (local.get 0)))
    (i64.xor
      (i64.popcnt (global.get $counter))
      (i64.extend_i32_s
        (select (i32.clz (local.get 1)) (i32.ctz (local.get 1)) (global.get $limit)))))

  (func (export "touch") (param i32) (result i32)
    (i32.store8 (local.get 0) (i32.const 1))
    (i64.store32 offset=100000 (local.get 0) (i64.load16_s (local.get 0)))
    (drop (memory.grow (i32.const 1)))
    (memory.size))

  (func (export "trap") unreachable)

  ;; What the compiler's own passes change: a counter that is tested before it advances, an index that a loop carries,
  ;; a constant beside an index with a bound, and a row that the loop does not change.
  (func (export "count") (param $value i32) (local $i i32)
    (loop $again
      (i32.store (i32.add (local.get $i) (i32.const 1024)) (local.get $value))
      (local.get $i)
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (i32.const 396)
      (br_if $again (i32.ne))))
  (func (export "row") (param $row i32) (result i32) (local $i i32) (local $sum i32)
    (local.set $row (i32.shl (i32.and (local.get $row) (i32.const 63)) (i32.const 8)))
    (loop $again
      (local.set $sum (i32.add (local.get $sum)
        (i32.load8_u (i32.add (i32.add (local.get $row) (local.get $i)) (i32.const 1024)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 256))))
    (local.get $sum))
  (func (export "follow") (param $at i32) (param $steps i32) (result i32)
    (loop $again
      (local.set $at (i32.load (local.get $at)))
      (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
    (local.get $at))
  (func (export "multiply_high") (param $a i64) (param $b i64) (result i64) (local $first i64)
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

  (func (export "multiply_high_carried") (param $a i64) (param $b i64) (result i64) (local $low i64) (local $cross i64) (local $middle i64) (local $sum i64) 
    (local.set $low (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.and (local.get $b) (i64.const 0xffffffff))))
    (local.set $cross (i64.mul (i64.and (local.get $a) (i64.const 0xffffffff)) (i64.shr_u (local.get $b) (i64.const 32))))
    (local.set $middle (i64.add (local.get $cross) (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.and (local.get $b) (i64.const 0xffffffff)))))
    (local.set $sum (i64.add (local.get $low) (i64.shl (local.get $middle) (i64.const 32)))) 
    (i64.add (i64.add (i64.mul (i64.shr_u (local.get $a) (i64.const 32)) (i64.shr_u (local.get $b) (i64.const 32))) (i64.or (i64.shl (i64.extend_i32_u (i64.lt_u (local.get $middle) (local.get $cross))) (i64.const 32)) (i64.shr_u (local.get $middle) (i64.const 32)))) (i64.extend_i32_u (i64.lt_u (local.get $sum) (local.get $low)))))
  (func (export "choose") (param $what i32) (param $factor i32) (result i32)
    (block (block (block (br_table 0 1 1 1 2 1 (local.get $what))) (return (i32.mul (local.get $factor) (i32.const 5)))) (return (i32.const 20)))
    (i32.and (local.get $factor) (i32.const 255)))
  (func (export "reverse") (param $bytes i32) (result i32)
    (i32.or
      (i32.and (i32.rotl (local.get $bytes) (i32.const 8)) (i32.const 0x00ff00ff))
      (i32.and (i32.rotl (local.get $bytes) (i32.const 24)) (i32.const 0xff00ff00))))
  (func (export "guarded") (param $at i32) (result i32)
    (if (i32.ge_u (local.get $at) (i32.const 1000)) (then (return (i32.const 0))))
    (i32.load8_u (i32.add (local.get $at) (i32.const 64))))
  (func (export "table") (param $byte i32) (result i32)
    (i32.load offset=1024 (i32.shl (i32.and (local.get $byte) (i32.const 255)) (i32.const 2))))
  (func (export "neighbours") (param $at i32) (param $value i32)
    (i32.store8 (i32.add (local.get $at) (i32.const 1025)) (local.get $value))
    (i32.store8 (i32.add (local.get $at) (i32.const 1024)) (local.get $value))
    (i32.store8 (i32.sub (local.get $value) (i32.const 4)) (local.get $at)))
  (func (export "induction") (param $from i32) (result i32) (local $at i32) (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (i32.add (local.get $from) (local.get $at)))))
      (br_if $again (i32.load8_u offset=8 (local.tee $at (i32.add (local.get $at) (i32.const 1))))))
    (local.get $sum))
  (func (export "counter") (result i32) (local $at i32) (local $sum i32)
    (local.set $at (i32.const -64))
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.add (local.get $at) (i32.const 128)))))
      (br_if $again (local.tee $at (i32.add (local.get $at) (i32.const 4)))))
    (local.get $sum))
  (func (export "is_small_letter") (param $at i32) (result i32)
    (i32.lt_u (i32.and (i32.sub (i32.load8_u (local.get $at)) (i32.const 97)) (i32.const 255)) (i32.const 26))))
