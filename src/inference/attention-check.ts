import { OnnxRuntimeError } from "../platform/index.ts";
import type { Device } from "../runtime/index.ts";
import {
  allocate,
  cachedAttention,
  dim,
  type Graph,
  type HostTensor,
  input,
  int32,
  interpret,
} from "../tensor/index.ts";

/** From this many tokens on ONNX Runtime's WebGPU kernel takes another code path. */
const tokens = 32;
const heads = 2;
const headDim = 16;

function checkGraph(): Graph {
  const batch = dim("batch", 1);
  const rows = [batch, dim("tokens", tokens), dim("heads·headDim", heads * headDim)];
  const cache = [batch, dim("heads", heads), dim("capacity", tokens), dim("headDim", headDim)];
  const angles = [dim("positions", tokens), dim("headDim/2", headDim / 2)];
  const [context] = cachedAttention(
    {
      query: input("query", "float32", rows),
      key: input("key", "float32", rows),
      value: input("value", "float32", rows),
      pastKey: input("past_key", "float32", cache),
      pastValue: input("past_value", "float32", cache),
      lastPosition: input("last_position", "int32", [batch]),
      totalLength: input("total_length", "int32", [dim("one", 1)]),
      cos: input("cos", "float32", angles),
      sin: input("sin", "float32", angles),
    },
    { heads, keyValueHeads: heads, scale: 0.25 },
  );
  return { name: "attention check", outputs: { context } };
}

function waves(step: number, dims: readonly number[]): HostTensor {
  const tensor = allocate("float32", dims);
  for (const i of tensor.data.keys()) tensor.data[i] = Math.sin(i * step);
  return tensor;
}

/**
 * Compares a device's attention kernel with the float64 interpreter. ONNX Runtime 1.30's WebGPU kernel
 * for prompts of 32 tokens and more needs wide subgroups; on adapters without them (SwiftShader has 4 lanes) its
 * results are wrong and nothing says so.
 *
 * @throws OnnxRuntimeError naming the device where the results differ
 */
export async function requireCorrectAttention(device: Device): Promise<void> {
  const rows = [1, tokens, heads * headDim];
  const cache = [1, heads, tokens, headDim];
  const feeds = {
    query: waves(1.3, rows),
    key: waves(0.7, rows),
    value: waves(0.9, rows),
    past_key: allocate("float32", cache),
    past_value: allocate("float32", cache),
    last_position: int32([tokens - 1], [1]),
    total_length: int32([tokens], [1]),
    cos: waves(0.3, [tokens, headDim / 2]),
    sin: waves(0.2, [tokens, headDim / 2]),
  };
  const graph = checkGraph();
  const program = await device.compile(graph);
  const { context } = await program.run(feeds);
  program.dispose();
  const [expected] = interpret([graph.outputs.context], feeds);
  const differs = expected.data.some((value, i) => !(Math.abs(value - Number(context.data[i])) < 1e-3));
  if (differs) {
    throw new OnnxRuntimeError(
      `device ${device.name}: attention over ${tokens} tokens must give what the definition gives, got other numbers; this adapter cannot run ONNX Runtime's kernel (software adapters cannot), so run on the device cpu`,
    );
  }
}
