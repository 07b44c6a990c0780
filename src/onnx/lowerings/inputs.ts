import type { Lowering } from "./lowering.ts";

// Inputs, parameters and constants become part of the model where it is put together, not nodes.
export const input: Lowering<"input"> = () => {};
export const parameter: Lowering<"parameter"> = () => {};
export const constant: Lowering<"constant"> = () => {};
