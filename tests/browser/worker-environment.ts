// Changes that tests make to a worker's environment. The functions are also put before a worker's own script as text, so they
// must not use anything from outside of themselves.

/**
 * Hides the GPU's subgroups, without which ONNX Runtime's attention is right on a software GPU too, and lets the page lose the
 * device on demand.
 */
export function changeGpu(): void {
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

/** Makes WebAssembly run out of memory early. */
export function shortenMemory(): void {
  const Original = WebAssembly.Memory;
  WebAssembly.Memory = class extends Original {
    constructor(wanted: WebAssembly.MemoryDescriptor) {
      super({ ...wanted, maximum: wanted.initial + 64 });
    }
  };
}
