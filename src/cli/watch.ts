import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Command } from "commander";
import { foundPath, listenHttp, pathKind } from "../platform/index.ts";
import { refuseMalformed } from "../server/index.ts";
import { createWatchServer, findRuns } from "../watch/index.ts";
import { builtPage } from "./built-page.ts";
import { UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { defaultAddress, listeningError, loopback, requireListening, watchPort } from "./listening.ts";
import { portOption } from "./options.ts";

const { host } = defaultAddress;

/** A page about runs that can be opened. */
export interface OpenedWatch {
  readonly address: string;
  /** Ends it; where somebody watches, once the page had the time to read the end of the logs. */
  close(): Promise<void>;
}

/** The page asks twice a second. */
const millisecondsToRead = 800;

/** @throws UsageError where the page is not built or the port cannot be used */
export async function requireWatchable(port: number, command = "watch"): Promise<void> {
  if ((await pathKind(builtPage)) !== "directory") {
    throw new UsageError(
      `${command}: the page must be built, got none in ${builtPage}; npm run build:web builds it`,
    );
  }
  await requireListening(host, port, command);
}

/** Serves the page about the runs at some places to this machine alone. */
export async function openWatch(
  places: readonly string[],
  port: number,
  command = "watch",
): Promise<OpenedWatch> {
  const answer = createWatchServer({ places, page: builtPage, hosts: loopback });
  let asked = Number.NEGATIVE_INFINITY;
  const fetch = (request: Request): Promise<Response> => {
    asked = performance.now();
    return answer(request);
  };
  const socket = await listenHttp(fetch, { host, port, refuse: refuseMalformed }).catch((error: unknown) => {
    throw listeningError(error, host, port, command);
  });
  return {
    address: `http://${host}:${socket.port}`,
    close: async () => {
      if (performance.now() - asked < 2 * millisecondsToRead) await setTimeout(millisecondsToRead);
      await socket.close(0);
    },
  };
}

async function watch(words: readonly string[], { port }: { readonly port: number }): Promise<void> {
  const places = await Promise.all(words.map((word) => foundPath(word)));
  for (const place of places) {
    if ((await findRuns([place])).length > 0) continue;
    const kind = await pathKind(place);
    const got = kind === "directory" ? "one without log.jsonl" : kind === "file" ? "a file" : "nothing there";
    throw new UsageError(
      `watch: ${place} must be a directory that \`owl train\` writes to, or one that holds such, got ${got}`,
    );
  }
  await requireWatchable(port);
  const opened = await openWatch(places, port);
  await interruptible(async (signal) => {
    process.stdout.write(`${words.join(", ")}: ${opened.address}\n`);
    if (!signal.aborted) await once(signal, "abort");
  });
  await opened.close();
}

export function define(command: Command): void {
  command
    .argument(
      "<runs...>",
      "directories that `owl train` writes to, or directories of such, which are compared",
    )
    .option("--port <port>", "port of 127.0.0.1, 0 for any free one", portOption, watchPort)
    .addHelpText(
      "after",
      `
Examples:
  owl watch runs/mine                  one run, on http://127.0.0.1:${watchPort}
  owl watch runs                       the runs in a directory, side by side
  owl train mine.yaml --watch          the same while it trains

It reads the runs' log.jsonl and samples/, writes nothing, and answers this machine alone. From elsewhere:
ssh -L ${watchPort}:127.0.0.1:${watchPort} MACHINE.`,
    )
    .action(watch);
}
