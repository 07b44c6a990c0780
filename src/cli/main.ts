#!/usr/bin/env node
import { runCli } from "./program.ts";

// A reader of standard output may stop early (`owl inspect … | head`); that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2));
