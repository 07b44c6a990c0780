;; What a step does to every trained number, once the gradients are known: each kernel goes over its vectors once.
;; Addresses and lengths count bytes; vectors begin at cache lines and are whole cache lines long (arena.ts).
;; `npm run build:kernels` writes kernels.ts from this file.
(module
  (import "arena" "memory" (memory 1 65536 shared))

  ;; Sum of squares, in double precision.
  (func (export "squares") (param $at i32) (param $left i32) (result f64)
    (local $x v128) (local $y v128) (local $wide v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (loop $next
      (local.set $x (v128.load (local.get $at)))
      (local.set $y (v128.load offset=16 (local.get $at)))
      (local.set $wide (f64x2.promote_low_f32x4 (local.get $x)))
      (local.set $a (f64x2.add (local.get $a) (f64x2.mul (local.get $wide) (local.get $wide))))
      (local.set $wide (f64x2.promote_low_f32x4 (local.get $y)))
      (local.set $b (f64x2.add (local.get $b) (f64x2.mul (local.get $wide) (local.get $wide))))
      (local.set $wide (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $x) (local.get $x))))
      (local.set $c (f64x2.add (local.get $c) (f64x2.mul (local.get $wide) (local.get $wide))))
      (local.set $wide (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $y) (local.get $y))))
      (local.set $d (f64x2.add (local.get $d) (f64x2.mul (local.get $wide) (local.get $wide))))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 32)))))
    (local.set $a (f64x2.add
      (f64x2.add (local.get $a) (local.get $b))
      (f64x2.add (local.get $c) (local.get $d))))
    (f64.add (f64x2.extract_lane 0 (local.get $a)) (f64x2.extract_lane 1 (local.get $a))))

  ;; sum += part
  (func (export "add") (param $sum i32) (param $part i32) (param $left i32)
    (loop $next
      (v128.store (local.get $sum) (f32x4.add (v128.load (local.get $sum)) (v128.load (local.get $part))))
      (local.set $sum (i32.add (local.get $sum) (i32.const 16)))
      (local.set $part (i32.add (local.get $part) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16))))))

  ;; AdamW: m = beta1 m + share1 g; v = beta2 v + share2 g^2; w = keep w - m / (correction sqrt(v) + offset).
  (func (export "adamw")
    (param $w i32) (param $g i32) (param $m i32) (param $v i32) (param $left i32)
    (param $beta1 f32) (param $share1 f32) (param $beta2 f32) (param $share2 f32)
    (param $correction f32) (param $offset f32) (param $keep f32)
    (local $gradient v128) (local $first v128) (local $second v128)
    (local $b1 v128) (local $s1 v128) (local $b2 v128) (local $s2 v128) (local $c v128) (local $o v128) (local $k v128)
    (local.set $b1 (f32x4.splat (local.get $beta1)))
    (local.set $s1 (f32x4.splat (local.get $share1)))
    (local.set $b2 (f32x4.splat (local.get $beta2)))
    (local.set $s2 (f32x4.splat (local.get $share2)))
    (local.set $c (f32x4.splat (local.get $correction)))
    (local.set $o (f32x4.splat (local.get $offset)))
    (local.set $k (f32x4.splat (local.get $keep)))
    (loop $next
      (local.set $gradient (v128.load (local.get $g)))
      (v128.store (local.get $m) (local.tee $first (f32x4.add
        (f32x4.mul (v128.load (local.get $m)) (local.get $b1))
        (f32x4.mul (local.get $gradient) (local.get $s1)))))
      (v128.store (local.get $v) (local.tee $second (f32x4.add
        (f32x4.mul (v128.load (local.get $v)) (local.get $b2))
        (f32x4.mul (f32x4.mul (local.get $gradient) (local.get $gradient)) (local.get $s2)))))
      (v128.store (local.get $w) (f32x4.sub
        (f32x4.mul (v128.load (local.get $w)) (local.get $k))
        (f32x4.div (local.get $first) (f32x4.add
          (f32x4.mul (f32x4.sqrt (local.get $second)) (local.get $c))
          (local.get $o)))))
      (local.set $w (i32.add (local.get $w) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (local.set $v (i32.add (local.get $v) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16)))))))
