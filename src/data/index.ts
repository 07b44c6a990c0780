export * from "./collate.ts";
export * from "./dense.ts";
export * from "./encode.ts";
export * from "./example.ts";
export * from "./jsonl.ts";
export * from "./order.ts";
export * from "./random.ts";
export * from "./reader.ts";
