import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where browsers' packages install SwiftShader, a Vulkan driver on the CPU, for tests of WebGPU without a GPU. */
const drivers = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];

const instruction =
  "WebGPU tests need SwiftShader and the Vulkan loader: apt-get install -y --no-install-recommends chromium libvulkan1";

function vulkanLoaderInstalled(): boolean {
  const folders = ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib"].filter(existsSync);
  const nested = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith("-linux-gnu"))
      .map((name) => join(folder, name)),
  );
  return [...folders, ...nested].some((folder) => existsSync(join(folder, "libvulkan.so.1")));
}

const driver = process.env.VK_ICD_FILENAMES ?? drivers.find(existsSync);

const available = driver !== undefined && vulkanLoaderInstalled();

/** Whether to leave out tests of WebGPU: on a person's machine without SwiftShader. In CI they fail instead. */
export const skipWebGpu = !available && process.env.CI === undefined;

if (skipWebGpu) console.warn(`${instruction}; without them these tests are skipped`);

/**
 * Makes SwiftShader this process's Vulkan driver. The choice is read once, when the first WebGPU session is
 * made, so call it before; and in a test file of its own, for it holds for the whole process.
 */
export function useSwiftShader(): void {
  if (driver === undefined || !available) throw new Error(instruction);
  process.env.VK_ICD_FILENAMES = driver;
}
