// `npm start`: builds the page, then serves it with the shipped model; arguments after `--` are options of `owl serve`.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { defaultAddress, requireListening } from "../src/cli/listening.ts";

const words = process.argv.slice(2);
const text = { type: "string" } as const;
const { host = defaultAddress.host, port = defaultAddress.port } = parseArgs({
  args: words,
  options: { host: text, port: text },
  strict: false,
}).values;

// A port that is taken is reported before the page is built. An invalid port is reported by `owl serve`.
const wanted = Number(port);
if (Number.isInteger(wanted) && wanted >= 0 && wanted <= 65_535) {
  await requireListening(String(host), wanted).catch((error: Error) => {
    console.error(`owl: ${error.message}`);
    process.exit(2);
  });
}
const root = fileURLToPath(new URL("..", import.meta.url));
const built = spawnSync("npm run --silent build:web", { cwd: root, stdio: "inherit", shell: true });
if (built.status !== 0) process.exit(built.status ?? 1);
const { runCli } = await import("../src/cli/program.ts");
process.exitCode = await runCli(["serve", `${root}models/owl-nano`, ...words]);
