import { expect, test } from "vitest";
import {
  type AnswerTurn,
  append,
  asMarkdown,
  attachmentsOf,
  type Conversation,
  changeAnswer,
  choose,
  endUnfinished,
  firstAnswer,
  firstAttachment,
  mergeLeft,
  mergeWriting,
  nameOf,
  newConversation,
  newId,
  path,
  pathTo,
  sent,
  siblings,
  type UserTurn,
  whenOf,
  withoutAttachment,
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
  const conversation = endUnfinished(
    from(ask("q", null), say("a", "q", { state: "writing", text: "an" })),
    "stopped",
  );
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

const picture = { id: "p", kind: "image" as const, name: "a.png", type: "image/png" };

test("conversations of the same question are told apart by what was answered; a title that somebody gave stays", () => {
  const one = from(
    { ...ask("q", null, "what is this?"), attachments: [picture] },
    say("a", "q", { text: "an owl.\nso" }),
  );
  expect(nameOf(one)).toBe("what is this? – an owl.");
  expect(firstAnswer(one)).toBe("an owl.");
  expect(firstAttachment(one)).toBe(picture);
  expect(nameOf({ ...one, title: "Owls" })).toBe("Owls");
  expect(nameOf(from(ask("q", null, "what is this?"), say("a", "q", { text: "" })))).toBe("what is this?");
  expect(nameOf(newConversation())).toBe("Untitled");
});

test("the time of today, else the day", () => {
  const now = new Date(2026, 5, 15, 14, 32).getTime();
  const at = (updatedAt: number): string => whenOf({ ...newConversation(), updatedAt }, now);
  expect(at(now)).toMatch(/32/);
  expect(at(new Date(2026, 0, 3).getTime())).not.toMatch(/2026/);
  expect(at(new Date(2024, 0, 3).getTime())).toMatch(/2024/);
});

test("what another tab wrote is taken over, and what this one is writing stays as it is here", () => {
  const base = from(ask("q1", null), say("a1", "q1"));
  const here = append(
    append(base, ask("q2", "a1")),
    say("a2", "q2", { state: "writing", text: "longer words" }),
  );
  const stored = append(
    append(
      append(append(base, ask("q2", "a1")), say("a2", "q2", { state: "writing", text: "long" })),
      ask("q3", "a1"),
    ),
    say("a3", "q3"),
  );
  const both = mergeWriting(stored, here, "a2");
  expect(both.turns.map(({ id }) => id)).toEqual(["q1", "a1", "q2", "a2", "q3", "a3"]);
  expect(both.turns.find(({ id }) => id === "a2")?.text).toBe("longer words");
  expect(ids(both)).toEqual(["q1", "a1", "q2", "a2"]);
  expect(mergeWriting(stored, here, "gone")).toBe(stored);
});

test("what a page left unstored is added to what is stored, and undoes nothing that was stored since", () => {
  const shared = from(ask("q", null), say("a", "q", { state: "writing", text: "an" }), ask("r", "a"));
  const left = changeAnswer(shared, "a", { state: "done", text: "an owl" });
  const asked = append(append(left, ask("mine", "a")), say("b", "mine"));
  const stored = { ...append(shared, ask("theirs", "a")), title: "renamed" };
  const merged = mergeLeft(endUnfinished(stored, "interrupted"), asked);
  expect(merged.title).toBe("renamed");
  expect(merged.turns.map(({ id }) => id)).toEqual(["q", "a", "r", "theirs", "mine", "b"]);
  expect(merged.turns[1]).toEqual(say("a", "q", { text: "an owl" }));
  expect(ids(merged)).toEqual(["q", "a", "mine", "b"]);
  // Once more, and what another tab writes by now stays as that one has it.
  expect(mergeLeft(merged, asked)).toEqual(merged);
  const regenerated = append(merged, say("c", "mine", { state: "writing", text: "more and more" }));
  const earlier = changeAnswer(regenerated, "c", { text: "more" });
  expect(mergeLeft(regenerated, earlier)).toEqual(regenerated);
  expect(ids(mergeLeft(regenerated, asked))).toEqual(["q", "a", "mine", "c"]);
});

test("an answer whose page went away was interrupted; others stay open", () => {
  const open = from(
    ask("q", null),
    say("a", "q", { state: "writing" }),
    ask("r", "a"),
    say("b", "r", { state: "writing" }),
  );
  const states = endUnfinished(open, "interrupted", ({ id }) => id === "a").turns.flatMap((turn) =>
    turn.role === "assistant" ? [turn.state] : [],
  );
  expect(states).toEqual(["interrupted", "writing"]);
});

test("turns before the one that a conversation begins with are not sent, and a file can be taken out", () => {
  const long = from(
    { ...ask("q1", null), attachments: [picture] },
    say("a1", "q1"),
    ask("q2", "a1"),
    say("a2", "q2"),
  );
  expect(sent(long, path(long)).map(({ id }) => id)).toEqual(["q1", "a1", "q2", "a2"]);
  expect(sent({ ...long, begin: "q2" }, path(long)).map(({ id }) => id)).toEqual(["q2", "a2"]);
  // In a branch without that turn all of it is sent.
  expect(sent({ ...long, begin: "elsewhere" }, path(long))).toHaveLength(4);
  expect(attachmentsOf(withoutAttachment(long, "p"))).toEqual([]);
  expect(withoutAttachment(long, "other").turns).toEqual(long.turns);
});
