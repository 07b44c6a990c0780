import { serveOwl } from "../../src/browser/index.ts";

/**
 * Makes the GPU one without subgroups, on which ONNX Runtime's attention computes right in software too, and one that
 * is gone when the page says so.
 */
function changeGpu(): void {
  const devices: GPUDevice[] = [];
  const original = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (this: GPUAdapter, options: GPUDeviceDescriptor = {}) {
    const requiredFeatures = [...(options.requiredFeatures ?? [])].filter((name) => name !== "subgroups");
    const device = await original.call(this, { ...options, requiredFeatures });
    devices.push(device);
    return device;
  };
  new BroadcastChannel("gpu").addEventListener("message", () => {
    for (const device of devices) device.destroy();
  });
}

/** Makes WebAssembly's memory end early. */
function shortenMemory(): void {
  const Original = WebAssembly.Memory;
  WebAssembly.Memory = class extends Original {
    constructor(wanted: WebAssembly.MemoryDescriptor) {
      super({ ...wanted, maximum: wanted.initial + 64 });
    }
  };
}

const { name } = globalThis as { name?: string };
if (name === "gpu") changeGpu();
if (name === "scarce memory") shortenMemory();
serveOwl();
