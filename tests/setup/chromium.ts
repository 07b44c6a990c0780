import { existsSync } from "node:fs";

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/opt/google/chrome/chrome",
];

const found = process.env.CHROMIUM_PATH ?? places.find(existsSync);

/** Whether to leave out tests in a browser: on a person's machine without one. In CI they fail instead. */
export const skipChromium = found === undefined && process.env.CI === undefined;

if (skipChromium)
  console.warn("Tests in a browser need Chromium: apt-get install -y chromium; without it they are skipped");

/** Where the browser is. */
export function chromiumPath(): string {
  if (found !== undefined) return found;
  throw new Error("Tests in a browser need Chromium: apt-get install -y chromium, or CHROMIUM_PATH");
}

/** A WebGPU that computes on the processor. */
export const softwareGpu = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-unsafe-swiftshader",
  "--enable-features=Vulkan",
];
