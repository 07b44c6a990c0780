;; Widens frozen weights, which are stored in fewer bits, to single precision. Addresses and lengths count bytes unless they say
;; otherwise. `npm run build:kernels` writes widen-kernels.ts from this file.
(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; Sixteen numbers: scale (q - zero).
  (func $sixteen (param $q v128) (param $zero v128) (param $scale v128) (param $out i32)
    (local $low v128) (local $high v128)
    (local.set $low (i16x8.sub (i16x8.extend_low_i8x16_u (local.get $q)) (local.get $zero)))
    (local.set $high (i16x8.sub (i16x8.extend_high_i8x16_u (local.get $q)) (local.get $zero)))
    (v128.store (local.get $out)
      (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $low))) (local.get $scale)))
    (v128.store offset=16 (local.get $out)
      (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $low))) (local.get $scale)))
    (v128.store offset=32 (local.get $out)
      (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $high))) (local.get $scale)))
    (v128.store offset=48 (local.get $out)
      (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $high))) (local.get $scale))))

  ;; Number `index` of 4 or 8 bits, the earlier one in the lower half of a byte.
  (func $number (param $packed i32) (param $index i32) (param $bits i32) (result i32)
    (if (result i32) (i32.eq (local.get $bits) (i32.const 8))
      (then (i32.load8_u (i32.add (local.get $packed) (local.get $index))))
      (else (i32.and
        (i32.shr_u
          (i32.load8_u (i32.add (local.get $packed) (i32.shr_u (local.get $index) (i32.const 1))))
          (i32.shl (i32.and (local.get $index) (i32.const 1)) (i32.const 2)))
        (i32.const 15)))))

  ;; Rows of `width` numbers in blocks of `block` numbers of 4 or 8 bits; the last block of a row is filled up. A scale and a zero
  ;; point, of a byte, for each block.
  (func (export "blocks")
    (param $packed i32) (param $scales i32) (param $zeros i32) (param $out i32)
    (param $rows i32) (param $width i32) (param $block i32) (param $bits i32)
    (local $left i32) (local $count i32) (local $at i32) (local $zero v128) (local $scale v128) (local $x v128)
    (loop $row
      (local.set $left (local.get $width))
      (loop $next
        (local.set $scale (v128.load32_splat (local.get $scales)))
        (local.set $zero (i16x8.splat (i32.load8_u (local.get $zeros))))
        (local.set $count (select (local.get $left) (local.get $block) (i32.lt_u (local.get $left) (local.get $block))))
        (local.set $at (i32.const 0))
        (block $whole
          (loop $lanes
            (br_if $whole (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $count)))
            (if (i32.eq (local.get $bits) (i32.const 8))
              (then (local.set $x (v128.load (i32.add (local.get $packed) (local.get $at)))))
              (else
                (local.set $x (v128.load64_zero
                  (i32.add (local.get $packed) (i32.shr_u (local.get $at) (i32.const 1)))))
                (local.set $x (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23
                  (v128.and (local.get $x) (i8x16.splat (i32.const 15)))
                  (i8x16.shr_u (local.get $x) (i32.const 4))))))
            (call $sixteen (local.get $x) (local.get $zero) (local.get $scale)
              (i32.add (local.get $out) (i32.shl (local.get $at) (i32.const 2))))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $lanes)))
        (block $done
          (loop $one
            (br_if $done (i32.ge_u (local.get $at) (local.get $count)))
            (f32.store (i32.add (local.get $out) (i32.shl (local.get $at) (i32.const 2)))
              (f32.mul
                (f32.convert_i32_s (i32.sub
                  (call $number (local.get $packed) (local.get $at) (local.get $bits))
                  (i32.load8_u (local.get $zeros))))
                (f32.load (local.get $scales))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $one)))
        (local.set $out (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 2))))
        (local.set $packed (i32.add (local.get $packed)
          (i32.shr_u (i32.mul (local.get $block) (local.get $bits)) (i32.const 3))))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $zeros (i32.add (local.get $zeros) (i32.const 1)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (local.get $count)))))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  ;; Half precision, four at once: `left` counts the bytes that are written, a multiple of 16.
  (func (export "half") (param $at i32) (param $out i32) (param $left i32)
    (local $x v128) (local $magnitude v128)
    (loop $next
      (local.set $x (v128.load16x4_u (local.get $at)))
      (local.set $magnitude (v128.and (local.get $x) (i32x4.splat (i32.const 0x7fff))))
      (v128.store (local.get $out)
        (v128.or
          (i32x4.shl (v128.and (local.get $x) (i32x4.splat (i32.const 0x8000))) (i32.const 16))
          (v128.or
            ;; The exponent's bias grows by 112, which also makes normal numbers of subnormal ones.
            (f32x4.mul
              (i32x4.shl (local.get $magnitude) (i32.const 13))
              (i32x4.splat (i32.const 0x77800000)))
            ;; Infinities and NaN have every bit of the exponent set.
            (v128.and
              (i32x4.ge_u (local.get $magnitude) (i32x4.splat (i32.const 0x7c00)))
              (i32x4.splat (i32.const 0x7f800000))))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16))))))

  ;; bfloat16, whose bits are the upper half.
  (func (export "bfloat") (param $at i32) (param $out i32) (param $left i32)
    (loop $next
      (v128.store (local.get $out) (i32x4.shl (v128.load16x4_u (local.get $at)) (i32.const 16)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 16)))))))
