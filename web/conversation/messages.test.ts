import { expect, test } from "vitest";
import type { AnswerTurn, UserTurn } from "./conversation.ts";
import { toMessages } from "./messages.ts";

const picture = { id: "p", kind: "image" as const, name: "owl.png", type: "image/png" };
const bytes = new Blob(["bytes"]);
const read = async () => bytes;
const ask = (text: string, attachments: UserTurn["attachments"] = []): UserTurn => ({
  id: text,
  parent: null,
  role: "user",
  text,
  attachments,
});
const say = (text: string, state: AnswerTurn["state"] = "done"): AnswerTurn => ({
  id: `answer ${text}`,
  parent: "",
  role: "assistant",
  text,
  state,
  model: "owl",
});

test("pictures stand before the words", async () => {
  expect(await toMessages([ask("what is this?", [picture]), say("an owl"), ask("sure?")], read)).toEqual([
    {
      role: "user",
      content: [
        { type: "image", data: bytes, id: "p" },
        { type: "text", text: "what is this?" },
      ],
    },
    { role: "assistant", content: [{ type: "text", text: "an owl" }] },
    { role: "user", content: [{ type: "text", text: "sure?" }] },
  ]);
});

test("answers without a word are left out, and the questions around them become one", async () => {
  expect(await toMessages([ask("", [picture]), say("", "failed"), ask("what is this?")], read)).toEqual([
    {
      role: "user",
      content: [
        { type: "image", data: bytes, id: "p" },
        { type: "text", text: "what is this?" },
      ],
    },
  ]);
});

test("a file that is gone is named, so that the question can be asked without it", async () => {
  const gone = () => Promise.reject(new Error("A file is gone."));
  await expect(toMessages([ask("what?", [picture])], gone)).rejects.toMatchObject({
    message: `"${picture.name}" is no longer in this browser.`,
    kind: "refused",
    details: { attachment: picture.id },
  });
});

test("a question that was refused is left out with its files; one that nobody could answer is asked along", async () => {
  const refused = { ...say("", "failed"), problem: "no", failure: { kind: "refused" as const } };
  const away = { ...say("", "failed"), failure: { kind: "unreachable" as const } };
  const texts = async (answer: AnswerTurn) =>
    (await toMessages([ask("first", [picture]), answer, ask("second")], read)).flatMap(({ content }) =>
      content.map((part) => (part.type === "text" ? part.text : part.type)),
    );
  expect(await texts(refused)).toEqual(["second"]);
  expect(await texts(away)).toEqual(["image", "first", "second"]);
  expect(await texts({ ...refused, text: "begun" })).toEqual(["image", "first", "begun", "second"]);
});
