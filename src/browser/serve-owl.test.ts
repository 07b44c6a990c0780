// The worker's side of a page, without a browser: messages in and out.
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { PageMessage, WorkerRequest, WorkerResponse } from "./messages.ts";
import { serveOwl } from "./serve-owl.ts";

const model = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));

test("a conversation that no longer fits goes on in a worker, and its length is that of what was kept", async () => {
  let listener: (event: { data: unknown }) => void = () => undefined;
  const waiting: ((said: WorkerResponse) => void)[] = [];
  serveOwl({
    postMessage: (message) => {
      const said = message as WorkerResponse;
      if (said.type !== "text" && said.type !== "transfer") waiting.shift()?.(said);
    },
    addEventListener: (_, own) => {
      listener = own;
    },
  });
  const ask = (data: WorkerRequest): Promise<WorkerResponse> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      listener({ data });
    });
  const options = { device: "cpu", threads: 1, framesPerVideo: undefined } as const;
  expect(await ask({ type: "load", model, ...options })).toMatchObject({ type: "ready" });
  const messages: PageMessage[] = Array.from({ length: 30 }, (_, i): PageMessage[] => [
    { role: "user", content: `what do ${i} cats eat?` },
    { role: "assistant", content: "mice." },
  ]).flat();
  messages.push({ role: "user", content: "and owls?" });
  const settings = { maxNewTokens: 4 };
  const said = await ask({ type: "chat", id: 1, messages, settings });
  expect(said).toMatchObject({ type: "answer", id: 1 });
  const { answer } = said as WorkerResponse & { type: "answer" };
  expect(answer.notes?.[0]).toContain("oldest turns were left out");
  expect(answer.promptTokens).toBeGreaterThan(200);
  expect(answer.promptTokens).toBeLessThanOrEqual(256 + 1 - 4);
  const refused = await ask({
    type: "chat",
    id: 2,
    messages,
    settings: { ...settings, truncation: "disabled" },
  });
  expect(refused).toMatchObject({ type: "failed", id: 2, name: "ContextLengthError" });
});
