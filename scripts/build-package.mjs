// Builds what the package ships before it is packed: `prepack` for `npm pack` and `npm publish`, `prepare` for a git or folder
// dependency. Plain JavaScript, because in a fresh clone tsx is not installed yet.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { INIT_CWD, npm_lifecycle_event: event } = process.env;

// npm also runs `prepare` after `npm ci` in this repository; `npm start` and `npm pack` build what they need, so skip it here.
const calledHere = INIT_CWD !== undefined && resolve(INIT_CWD) === resolve(root);
if (event === "prepare" && calledHere) process.exit(0);

const tools = ["typescript", "vite", "svelte"].filter((name) => !existsSync(`${root}/node_modules/${name}`));
if (tools.length > 0) {
  console.error(
    `mplug-owl: dist must be built before it is packed, got no ${tools.join(", ")} to build it with; run \`npm ci\` in ${root} first`,
  );
  process.exit(1);
}
const npm = process.platform === "win32" ? "npm.cmd" : "npm";
const { status } = spawnSync(npm, ["run", "--silent", "build"], {
  cwd: root,
  stdio: "inherit",
  shell: npm !== "npm",
});
process.exit(status ?? 1);
