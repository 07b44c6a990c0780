import { createInterface } from "node:readline";

/** The lines of standard input that are not empty, each with its name for messages. */
export async function* jsonLines(): AsyncGenerator<{ readonly line: string; readonly where: string }> {
  let number = 0;
  for await (const given of createInterface({ input: process.stdin })) {
    number++;
    const line = number === 1 ? given.replace(/^\ufeff/, "") : given;
    if (line.trim() !== "") yield { line, where: `standard input, line ${number}` };
  }
}
