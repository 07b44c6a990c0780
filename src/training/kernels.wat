;; What an update does to every trained number, once the gradients are known: each kernel goes over its vectors once.
;; Addresses and lengths count bytes; vectors begin at cache lines and are whole cache lines long (flat-buffer.ts).
;; `npm run build:kernels` writes kernels.ts from this file.
(module
  (import "env" "memory" (memory 1 65536 shared))

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

  ;; sum = sum + x
  (func (export "add") (param $sum i32) (param $x i32) (param $left i32)
    (loop $next
      (v128.store (local.get $sum) (f32x4.add (v128.load (local.get $sum)) (v128.load (local.get $x))))
      (local.set $sum (i32.add (local.get $sum) (i32.const 16)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16))))))

  ;; AdamW: m = beta1 m + factor1 g; v = beta2 v + factor2 g^2; w = keep w - m / (correction sqrt(v) + offset).
  (func (export "adamw")
    (param $w i32) (param $g i32) (param $m i32) (param $v i32) (param $left i32)
    (param $beta1 f32) (param $factor1 f32) (param $beta2 f32) (param $factor2 f32)
    (param $correction f32) (param $offset f32) (param $keep f32)
    (local $gradient v128) (local $first v128) (local $second v128)
    (local $b1 v128) (local $s1 v128) (local $b2 v128) (local $s2 v128) (local $c v128) (local $o v128) (local $k v128)
    (local.set $b1 (f32x4.splat (local.get $beta1)))
    (local.set $s1 (f32x4.splat (local.get $factor1)))
    (local.set $b2 (f32x4.splat (local.get $beta2)))
    (local.set $s2 (f32x4.splat (local.get $factor2)))
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
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16))))))

  ;; SGD with momentum: m = momentum m + (scale g + decay w); w = w - rate m.
  (func (export "sgd")
    (param $w i32) (param $g i32) (param $m i32) (param $left i32)
    (param $momentum f32) (param $scale f32) (param $decay f32) (param $rate f32)
    (local $weight v128) (local $moved v128) (local $u v128) (local $s v128) (local $d v128) (local $r v128)
    (local.set $u (f32x4.splat (local.get $momentum)))
    (local.set $s (f32x4.splat (local.get $scale)))
    (local.set $d (f32x4.splat (local.get $decay)))
    (local.set $r (f32x4.splat (local.get $rate)))
    (loop $next
      (local.set $weight (v128.load (local.get $w)))
      (v128.store (local.get $m) (local.tee $moved (f32x4.add
        (f32x4.mul (v128.load (local.get $m)) (local.get $u))
        (f32x4.add
          (f32x4.mul (v128.load (local.get $g)) (local.get $s))
          (f32x4.mul (local.get $weight) (local.get $d))))))
      (v128.store (local.get $w) (f32x4.sub (local.get $weight) (f32x4.mul (local.get $moved) (local.get $r))))
      (local.set $w (i32.add (local.get $w) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16))))))

  ;; Lion: c = beta1 m + factor1 g; w = keep w - rate sign(c); m = beta2 m + factor2 g. The sign of 0 is 0.
  (func (export "lion")
    (param $w i32) (param $g i32) (param $m i32) (param $left i32)
    (param $beta1 f32) (param $factor1 f32) (param $beta2 f32) (param $factor2 f32)
    (param $rate f32) (param $keep f32)
    (local $gradient v128) (local $mean v128) (local $c v128)
    (local $b1 v128) (local $s1 v128) (local $b2 v128) (local $s2 v128) (local $r v128) (local $k v128)
    (local.set $b1 (f32x4.splat (local.get $beta1)))
    (local.set $s1 (f32x4.splat (local.get $factor1)))
    (local.set $b2 (f32x4.splat (local.get $beta2)))
    (local.set $s2 (f32x4.splat (local.get $factor2)))
    (local.set $r (f32x4.splat (local.get $rate)))
    (local.set $k (f32x4.splat (local.get $keep)))
    (loop $next
      (local.set $gradient (v128.load (local.get $g)))
      (local.set $mean (v128.load (local.get $m)))
      (local.set $c (f32x4.add
        (f32x4.mul (local.get $mean) (local.get $b1))
        (f32x4.mul (local.get $gradient) (local.get $s1))))
      ;; rate with the sign of c, and 0 where c is 0
      (v128.store (local.get $w) (f32x4.sub
        (f32x4.mul (v128.load (local.get $w)) (local.get $k))
        (v128.and
          (v128.or (v128.and (local.get $c) (v128.const i32x4 0x80000000 0x80000000 0x80000000 0x80000000)) (local.get $r))
          (f32x4.ne (local.get $c) (v128.const f32x4 0 0 0 0)))))
      (v128.store (local.get $m) (f32x4.add
        (f32x4.mul (local.get $mean) (local.get $b2))
        (f32x4.mul (local.get $gradient) (local.get $s2))))
      (local.set $w (i32.add (local.get $w) (i32.const 16)))
      (local.set $g (i32.add (local.get $g) (i32.const 16)))
      (local.set $m (i32.add (local.get $m) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16)))))))
