import { serveOwl } from "../../src/browser/index.ts";
import { changeGpu, shortenMemory } from "./worker-environment.ts";

const { name } = globalThis as { name?: string };
if (name === "gpu") changeGpu();
if (name === "scarce memory") shortenMemory();
serveOwl();
