import { expect, test } from "vitest";
import {
  type AnswerTurn,
  append,
  asMarkdown,
  attachmentsOf,
  type Conversation,
  changeAnswer,
  choose,
  newConversation,
  newId,
  path,
  pathTo,
  settle,
  siblings,
  type UserTurn,
} from "./conversation.ts";

const ask = (id: string, parent: string | null, text = id): UserTurn => ({
  id,
  parent,
  role: "user",
  text,
  attachments: [],
});
const say = (id: string, parent: string, fields: Partial<AnswerTurn> = {}): AnswerTurn => ({
  id,
  parent,
  role: "assistant",
  text: id,
  state: "done",
  model: "owl",
  ...fields,
});
const ids = (conversation: Conversation): string[] => path(conversation).map(({ id }) => id);
const from = (...turns: (UserTurn | AnswerTurn)[]): Conversation =>
  turns.reduce((conversation, turn) => append(conversation, turn), newConversation());

test("an id is new each time, and plain letters and digits", () => {
  const made = Array.from({ length: 100 }, newId);
  expect(new Set(made).size).toBe(100);
  expect(made.every((id) => /^[a-z2-7]{16}$/.test(id))).toBe(true);
});

test("a conversation goes from turn to turn; the first question names it", () => {
  const conversation = from(ask("q1", null, "  what is this?\nplease"), say("a1", "q1"), ask("q2", "a1"));
  expect(ids(conversation)).toEqual(["q1", "a1", "q2"]);
  expect(conversation.title).toBe("what is this?");
  expect(ids(newConversation())).toEqual([]);
});

test("a long first line is cut, and a picture without words has a name", () => {
  expect(from(ask("q", null, "word ".repeat(40))).title).toMatch(/^(word )+wo…$/);
  const picture = { id: "p", kind: "image" as const, name: "a.png", type: "image/png" };
  expect(from({ ...ask("q", null, ""), attachments: [picture] }).title).toBe("A picture");
});

test("an edited question and a second answer are branches, and each can be gone back to", () => {
  const first = from(ask("q1", null), say("a1", "q1"), ask("q2", "a1"), say("a2", "q2"));
  const again = append(append(first, say("a1b", "q1")), ask("q3", "a1b"));
  expect(ids(again)).toEqual(["q1", "a1b", "q3"]);
  const [, answer] = path(again);
  expect(siblings(again, answer).map(({ id }) => id)).toEqual(["a1", "a1b"]);
  const back = choose(again, siblings(again, answer)[0]);
  expect(ids(back)).toEqual(["q1", "a1", "q2", "a2"]);

  const edited = append(back, ask("q1b", null));
  expect(ids(edited)).toEqual(["q1b"]);
  expect(ids(choose(edited, edited.turns[0]))).toEqual(["q1", "a1", "q2", "a2"]);
  expect(pathTo(edited, "q3").map(({ id }) => id)).toEqual(["q1", "a1b", "q3"]);
});

test("where no branch was chosen the latest is followed, also where the choice names none", () => {
  const conversation = { ...from(ask("q", null), say("a", "q"), say("b", "q")), chosen: { q: "gone" } };
  expect(ids(conversation)).toEqual(["q", "b"]);
});

test("nothing is changed in place", () => {
  const before = from(ask("q", null), say("a", "q", { state: "writing", text: "" }));
  const copy = structuredClone(before);
  const after = changeAnswer(before, "a", { text: "an owl", state: "done" });
  choose(append(after, say("b", "q")), after.turns[1]);
  expect(before).toEqual(copy);
  expect(path(after)[1].text).toBe("an owl");
});

test("an answer that was being written counts as stopped", () => {
  const conversation = settle(from(ask("q", null), say("a", "q", { state: "writing", text: "an" })));
  expect(conversation.turns[1]).toMatchObject({ state: "stopped", text: "an" });
});

test("files of all branches, and the branch on view as text", () => {
  const picture = (id: string) => ({ id, kind: "image" as const, name: `${id}.png`, type: "image/png" });
  const conversation = from({ ...ask("q", null), attachments: [picture("p1")] }, say("a", "q"), {
    ...ask("r", null),
    attachments: [picture("p2"), picture("p3")],
  });
  expect(attachmentsOf(conversation).map(({ id }) => id)).toEqual(["p1", "p2", "p3"]);
  expect(asMarkdown(pathTo(conversation, "a"))).toBe("**You**\n\n[picture: p1.png]\n\nq\n\n**Owl**\n\na");
});
