import wabt from "wabt";
import { serveCalls } from "../src/platform/index.ts";

// What threads of `measurePeaks` run.

/** Adds up memory from its beginning to `end` in four chains of additions, so that loading alone takes time. */
const source = `(module
  (import "env" "memory" (memory 1))
  (func (export "sum") (param $end i32) (result i64)
    (local $at i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (loop $next
      (local.set $a (i64x2.add (local.get $a) (v128.load (local.get $at))))
      (local.set $b (i64x2.add (local.get $b) (v128.load offset=16 (local.get $at))))
      (local.set $c (i64x2.add (local.get $c) (v128.load offset=32 (local.get $at))))
      (local.set $d (i64x2.add (local.get $d) (v128.load offset=48 (local.get $at))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))
    (i64x2.extract_lane 0
      (i64x2.add (i64x2.add (local.get $a) (local.get $b)) (i64x2.add (local.get $c) (local.get $d))))))`;

const pageBytes = 65536;

interface Reading {
  readonly bytes: number;
  readonly seconds: number;
}

let sum: ((end: number) => bigint) | undefined;

serveCalls({
  /** Writes so many bytes once, so that there is memory to read. */
  prepare: async ({ bytes }: { readonly bytes: number }) => {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });
    new Uint8Array(memory.buffer).fill(1);
    const { parseWat } = await wabt();
    const { buffer } = parseWat("reading-loop.wat", source, { simd: true }).toBinary({});
    const { instance } = await WebAssembly.instantiate(buffer as Uint8Array<ArrayBuffer>, {
      env: { memory },
    });
    sum = instance.exports.sum as (end: number) => bigint;
    return { value: undefined };
  },
  /** Bytes a second that this thread reads, for about so many seconds. */
  read: async ({ bytes, seconds }: Reading) => {
    let passes = 0;
    const began = performance.now();
    let taken = 0;
    while (taken < seconds) {
      sum!(bytes);
      passes++;
      taken = (performance.now() - began) / 1000;
    }
    return { value: (passes * bytes) / taken };
  },
});
