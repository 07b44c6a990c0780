#!/usr/bin/env node
import { requireAddressSpace } from "./address-space.ts";
import { endWith } from "./uncaught.ts";

process.on("uncaughtException", endWith);
requireAddressSpace();

// A reader of standard output may stop early (`owl inspect … | head`); that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

// Loaded now, not before: what fails while it is loaded is told as well.
const { runCli } = await import("./program.ts");
process.exitCode = await runCli(process.argv.slice(2));
