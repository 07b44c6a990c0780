import { type OwlConfig, patchCount, traceAttention } from "../model/index.ts";
import type { Program } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
