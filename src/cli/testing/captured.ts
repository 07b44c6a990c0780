import { vi } from "vitest";
import { runCli } from "../program.ts";

/** Runs `owl …` in this process; what it wrote is given back instead of shown. */
export async function owl(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const catching = (stream: NodeJS.WriteStream, name: keyof typeof said) =>
    vi.spyOn(stream, "write").mockImplementation((chunk) => {
      said[name] += chunk;
      return true;
    });
  const spies = [catching(process.stdout, "out"), catching(process.stderr, "err")];
  try {
    return { code: await runCli(words), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
