import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import type { Command } from "commander";
import { RatingSession, ratingApp } from "../evaluation/index.ts";
import { answersArgument, dataOption, readSetAndAnswers } from "./eval-options.ts";
import { interruptible } from "./interrupt.ts";
import { listeningError } from "./listening.ts";
import { numberOption } from "./options.ts";

interface EvalRateOptions {
  readonly data: string;
  readonly out: string;
  readonly rater?: string;
  readonly port: number;
}

async function rate(paths: readonly string[], { data, out, rater, port }: EvalRateOptions): Promise<void> {
  const { set, systems } = await readSetAndAnswers(paths, data);
  const session = await RatingSession.open(set, systems, out);
  try {
    await interruptible((signal) => serveUntil(signal, session, port, rater));
  } finally {
    await session.close();
  }
  process.stderr.write(`\nthe grades are in ${out}; the same command goes on\n`);
}

/** Serves the page on this machine alone until the signal comes. */
async function serveUntil(
  signal: AbortSignal,
  session: RatingSession,
  port: number,
  rater: string | undefined,
): Promise<void> {
  const server = serve({ fetch: ratingApp(session).fetch, hostname: "127.0.0.1", port });
  try {
    await once(server, "listening");
  } catch (error) {
    throw listeningError(error, "127.0.0.1", port, "eval rate");
  }
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const query = rater === undefined ? "" : `?${new URLSearchParams({ rater })}`;
  process.stderr.write("open this page and grade; Ctrl-C ends, nothing that was graded is lost\n");
  process.stdout.write(`${address}${query}\n`);
  if (!signal.aborted) await once(signal, "abort");
  if ("closeAllConnections" in server) server.closeAllConnections();
  server.close();
  await once(server, "close");
}

export function define(command: Command): void {
  command
    .addArgument(answersArgument())
    .addOption(dataOption())
    .requiredOption("--out <file>", "the grades, one JSON object a line; an existing file is continued")
    .option(
      "--rater <name>",
      "the rater's name (the page asks if absent); several people can rate, each with a name",
    )
    .option("--port <number>", "port of the page; 0 takes a free one", numberOption, 8082)
    .addHelpText(
      "after",
      `
Example:
  owl eval rate owleval/answer/*.jsonl owl-nano_answer.jsonl --data owleval --out grades.jsonl --rater anna

The page shows the answers of all systems without names, in an order that differs by question and rater. Keys: 1–9
choose an answer, a b c d grade it, n notes, u undoes, j and k go on and back, o to the next open question. A grade is
on disk before the page shows it. The file is append-only: an undo is a line too.`,
    )
    .action(rate);
}
