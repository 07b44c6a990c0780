import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const server = process.env.OWL_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  root: path("."),
  // Relative addresses: the page works under any path of any server.
  base: "./",
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: process.env.OWL_PAGE_DIRECTORY ?? path("../dist/web"),
    emptyOutDir: true,
    // Files stay files: the Content-Security-Policy allows no scripts or styles written into the page.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    // How long which plugin took is nothing for whoever starts the page.
    rolldownOptions: {
      input: { index: path("index.html"), watch: path("watch.html") },
      checks: { pluginTimings: false },
    },
  },
  // ONNX Runtime is a part of its own that the worker loads when a model is wanted.
  worker: { format: "es" },
  // While developing: its files find each other only where they lie.
  optimizeDeps: { exclude: ["onnxruntime-web"] },
  server: {
    fs: { allow: [path("..")] },
    proxy: Object.fromEntries(["/v1", "/models"].map((start) => [start, server])),
  },
});
