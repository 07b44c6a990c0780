// What tests change of a worker's surroundings. The functions are also put before a worker's own script as text, so they
// use nothing from outside of themselves.

/**
 * Makes the GPU one without subgroups, on which ONNX Runtime's attention computes right in software too, and one that
 * is gone when the page says so.
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

/** Makes WebAssembly's memory end early. */
export function shortenMemory(): void {
  const Original = WebAssembly.Memory;
  WebAssembly.Memory = class extends Original {
    constructor(wanted: WebAssembly.MemoryDescriptor) {
      super({ ...wanted, maximum: wanted.initial + 64 });
    }
  };
}
