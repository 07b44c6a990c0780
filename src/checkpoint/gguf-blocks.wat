;; The numbers of GGUF's blocks as products take them: whole bytes, or two numbers in a byte, the first one in its lower half.
;; Every kernel packs so many blocks ($left), which begin at $at and are $size bytes long, from $to on. Layouts are those of
;; `ggml-common.h`. `npm run build:kernels` writes gguf-block-kernels.ts from this file.
(module
  ;; 65,536 numbers of any type, and from the second 131,072 bytes on as many packed ones.
  (memory (export "memory") 4)

  ;; Pairs of neighbours in the lower halves of 16 bytes, one behind the other.
  (func $low (param $bytes v128) (result v128)
    (local.set $bytes (v128.and (local.get $bytes) (i8x16.splat (i32.const 15))))
    (v128.and
      (v128.or (local.get $bytes) (i16x8.shr_u (local.get $bytes) (i32.const 4)))
      (i16x8.splat (i32.const 255))))

  ;; And in their upper halves.
  (func $high (param $bytes v128) (result v128)
    (call $low (i8x16.shr_u (local.get $bytes) (i32.const 4))))

  ;; Blocks with 16 bytes at an offset, whose lower halves are the first 16 numbers.
  (func (export "halves16") (param $at i32) (param $left i32) (param $size i32) (param $offset i32) (param $to i32)
    (local $bytes v128)
    (local.set $at (i32.add (local.get $at) (local.get $offset)))
    (loop $next
      (local.set $bytes (v128.load align=1 (local.get $at)))
      (v128.store align=1 (local.get $to)
        (i8x16.narrow_i16x8_u (call $low (local.get $bytes)) (call $high (local.get $bytes))))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; Blocks with four times 32 bytes at an offset, whose lower halves are the first 32 numbers of each.
  (func (export "halves32") (param $at i32) (param $left i32) (param $size i32) (param $offset i32) (param $to i32)
    (local $a v128) (local $b v128) (local $from i32) (local $end i32)
    (loop $next
      (local.set $from (i32.add (local.get $at) (local.get $offset)))
      (local.set $end (i32.add (local.get $from) (i32.const 128)))
      (loop $quarter
        (local.set $a (v128.load align=1 (local.get $from)))
        (local.set $b (v128.load offset=16 align=1 (local.get $from)))
        (v128.store align=1 (local.get $to)
          (i8x16.narrow_i16x8_u (call $low (local.get $a)) (call $low (local.get $b))))
        (v128.store offset=16 align=1 (local.get $to)
          (i8x16.narrow_i16x8_u (call $high (local.get $a)) (call $high (local.get $b))))
        (local.set $to (i32.add (local.get $to) (i32.const 32)))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (br_if $quarter (i32.lt_u (local.get $from) (local.get $end))))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; Blocks with 32 signed bytes at an offset, which become unsigned.
  (func (export "bytes32") (param $at i32) (param $left i32) (param $size i32) (param $offset i32) (param $to i32)
    (local $half v128)
    (local.set $half (i8x16.splat (i32.const 128)))
    (local.set $at (i32.add (local.get $at) (local.get $offset)))
    (loop $next
      (v128.store align=1 (local.get $to) (v128.xor (v128.load align=1 (local.get $at)) (local.get $half)))
      (v128.store offset=16 align=1 (local.get $to)
        (v128.xor (v128.load offset=16 align=1 (local.get $at)) (local.get $half)))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      (local.set $to (i32.add (local.get $to) (i32.const 32)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; 16 in each byte that has its bit of two: the first eight bytes of the lower, the others of the upper.
  (func $fifths (param $bits v128) (param $which v128) (result v128)
    (local $one v128)
    (local.set $one (v128.const i8x16 1 2 4 8 16 32 64 -128 1 2 4 8 16 32 64 -128))
    (v128.and
      (i8x16.eq
        (v128.and (i8x16.swizzle (local.get $bits) (local.get $which)) (local.get $one))
        (local.get $one))
      (i8x16.splat (i32.const 16))))

  ;; Numbers of five bits, counted from 16, as bytes, which are counted from 128.
  (func $five (param $low v128) (param $fifth v128) (result v128)
    (i8x16.add (v128.or (local.get $low) (local.get $fifth)) (i8x16.splat (i32.const 112))))

  ;; Blocks with four bytes of fifth bits at an offset, and 16 behind them whose lower halves belong to the first 16 numbers.
  (func (export "fives16") (param $at i32) (param $left i32) (param $size i32) (param $offset i32) (param $to i32)
    (local $bytes v128) (local $bits v128)
    (local.set $at (i32.add (local.get $at) (local.get $offset)))
    (loop $next
      (local.set $bits (v128.load32_zero align=1 (local.get $at)))
      (local.set $bytes (v128.load offset=4 align=1 (local.get $at)))
      (v128.store align=1 (local.get $to)
        (call $five
          (v128.and (local.get $bytes) (i8x16.splat (i32.const 15)))
          (call $fifths (local.get $bits) (v128.const i8x16 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1))))
      (v128.store offset=16 align=1 (local.get $to)
        (call $five
          (i8x16.shr_u (local.get $bytes) (i32.const 4))
          (call $fifths (local.get $bits) (v128.const i8x16 2 2 2 2 2 2 2 2 3 3 3 3 3 3 3 3))))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      (local.set $to (i32.add (local.get $to) (i32.const 32)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; 16 bytes of each half of 64 numbers: their low bits, and their fifth ones, the lowest two of a byte by now.
  (func $fives (param $bytes v128) (param $fifths v128) (param $to i32)
    (v128.store align=1 (local.get $to)
      (call $five
        (v128.and (local.get $bytes) (i8x16.splat (i32.const 15)))
        (i8x16.shl (v128.and (local.get $fifths) (i8x16.splat (i32.const 1))) (i32.const 4))))
    (v128.store offset=32 align=1 (local.get $to)
      (call $five
        (i8x16.shr_u (local.get $bytes) (i32.const 4))
        (i8x16.shl (v128.and (local.get $fifths) (i8x16.splat (i32.const 2))) (i32.const 3)))))

  ;; Blocks with 32 bytes of fifth bits at an offset, two for each 64 numbers, and four times 32 bytes behind them.
  (func (export "fives32") (param $at i32) (param $left i32) (param $size i32) (param $offset i32) (param $to i32)
    (local $bits i32) (local $from i32) (local $shift i32)
    (loop $next
      (local.set $bits (i32.add (local.get $at) (local.get $offset)))
      (local.set $from (i32.add (local.get $bits) (i32.const 32)))
      (local.set $shift (i32.const 0))
      (loop $pair
        (call $fives
          (v128.load align=1 (local.get $from))
          (i8x16.shr_u (v128.load align=1 (local.get $bits)) (local.get $shift))
          (local.get $to))
        (call $fives
          (v128.load offset=16 align=1 (local.get $from))
          (i8x16.shr_u (v128.load offset=16 align=1 (local.get $bits)) (local.get $shift))
          (i32.add (local.get $to) (i32.const 16)))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 64)))
        (br_if $pair (i32.lt_u (local.tee $shift (i32.add (local.get $shift) (i32.const 2))) (i32.const 8))))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))

  ;; Numbers of six bits, counted from 32, as bytes, which are counted from 128.
  (func $six (param $low v128) (param $high v128) (result v128)
    (i8x16.add (v128.or (local.get $low) (local.get $high)) (i8x16.splat (i32.const 96))))

  ;; 16 of each quarter of 128 numbers: the low bits of two quarters and of the other two, and the two high ones of all four.
  (func $sixes (param $one v128) (param $other v128) (param $bits v128) (param $to i32)
    (local $low v128) (local $high v128)
    (local.set $low (i8x16.splat (i32.const 15)))
    (local.set $high (i8x16.splat (i32.const 48)))
    (v128.store align=1 (local.get $to)
      (call $six
        (v128.and (local.get $one) (local.get $low))
        (v128.and (i8x16.shl (local.get $bits) (i32.const 4)) (local.get $high))))
    (v128.store offset=32 align=1 (local.get $to)
      (call $six
        (v128.and (local.get $other) (local.get $low))
        (v128.and (i8x16.shl (local.get $bits) (i32.const 2)) (local.get $high))))
    (v128.store offset=64 align=1 (local.get $to)
      (call $six
        (i8x16.shr_u (local.get $one) (i32.const 4))
        (v128.and (local.get $bits) (local.get $high))))
    (v128.store offset=96 align=1 (local.get $to)
      (call $six
        (i8x16.shr_u (local.get $other) (i32.const 4))
        (v128.and (i8x16.shr_u (local.get $bits) (i32.const 2)) (local.get $high)))))

  ;; Blocks that begin with twice 64 bytes of low bits, with twice 32 bytes of high ones behind them.
  (func (export "sixes") (param $at i32) (param $left i32) (param $size i32) (param $offset i32) (param $to i32)
    (local $from i32) (local $bits i32) (local $end i32)
    (loop $next
      (local.set $from (i32.add (local.get $at) (local.get $offset)))
      (local.set $end (i32.add (local.get $from) (i32.const 128)))
      (local.set $bits (local.get $end))
      (loop $half
        (call $sixes
          (v128.load align=1 (local.get $from))
          (v128.load offset=32 align=1 (local.get $from))
          (v128.load align=1 (local.get $bits))
          (local.get $to))
        (call $sixes
          (v128.load offset=16 align=1 (local.get $from))
          (v128.load offset=48 align=1 (local.get $from))
          (v128.load offset=16 align=1 (local.get $bits))
          (i32.add (local.get $to) (i32.const 16)))
        (local.set $from (i32.add (local.get $from) (i32.const 64)))
        (local.set $bits (i32.add (local.get $bits) (i32.const 32)))
        (local.set $to (i32.add (local.get $to) (i32.const 128)))
        (br_if $half (i32.lt_u (local.get $from) (local.get $end))))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
