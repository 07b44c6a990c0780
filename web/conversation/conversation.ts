import type { Rating, Usage } from "../backends/backend.ts";

/** A file of a turn. Its bytes are kept apart, under its id. */
export interface Attachment {
  readonly id: string;
  readonly kind: "image" | "video";
  readonly name: string;
  /** Media type, as `image/png`. */
  readonly type: string;
  /** What was done to the file, where something was. */
  readonly note?: string | undefined;
}

export interface Timing {
  /** Milliseconds from asking to the first characters. */
  readonly firstMilliseconds: number;
  readonly tokensPerSecond?: number | undefined;
  readonly tokens?: number | undefined;
}

export interface UserTurn {
  readonly id: string;
  /** The turn it follows; null for the first. */
  readonly parent: string | null;
  readonly role: "user";
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

export interface AnswerTurn {
  readonly id: string;
  readonly parent: string;
  readonly role: "assistant";
  readonly text: string;
  /** "length": cut at the largest number of tokens. */
  readonly state: "writing" | "done" | "length" | "stopped" | "failed";
  readonly model: string;
  /** Why it failed, in words. */
  readonly problem?: string | undefined;
  readonly usage?: Usage | undefined;
  readonly timing?: Timing | undefined;
  readonly rating?: Rating | undefined;
  readonly note?: string | undefined;
}

export type Turn = UserTurn | AnswerTurn;

/**
 * A tree of turns: an edited question and a second answer are branches beside the first. `chosen` says which branch
 * is followed below a turn (and under "" which first turn); where it says nothing it is the latest.
 */
export interface Conversation {
  readonly id: string;
  readonly title: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly turns: readonly Turn[];
  readonly chosen: Readonly<Record<string, string>>;
}

const root = "";
const keyOf = (parent: string | null): string => parent ?? root;

/** A random name of 16 characters. (`crypto.randomUUID` is not there on pages without https.) */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => "abcdefghijklmnopqrstuvwxyz234567"[byte & 31]).join("");
}

export function newConversation(now = Date.now()): Conversation {
  return { id: newId(), title: "", createdAt: now, updatedAt: now, turns: [], chosen: {} };
}

/** The turns that are on view, from first to last. */
export function path(conversation: Conversation): Turn[] {
  const children = new Map<string, Turn[]>();
  for (const turn of conversation.turns) {
    const key = keyOf(turn.parent);
    children.set(key, [...(children.get(key) ?? []), turn]);
  }
  const turns: Turn[] = [];
  for (let key = root; ; key = turns[turns.length - 1].id) {
    const branches = children.get(key);
    if (branches === undefined) return turns;
    const chosen = conversation.chosen[key];
    turns.push(branches.find(({ id }) => id === chosen) ?? branches[branches.length - 1]);
  }
}

/** The branches beside a turn, itself among them, in the order they were made. */
export function siblings(conversation: Conversation, turn: Turn): readonly Turn[] {
  return conversation.turns.filter(({ parent }) => parent === turn.parent);
}

/** The turns that lead to a turn, the turn itself last. */
export function pathTo(conversation: Conversation, id: string): Turn[] {
  const byId = new Map(conversation.turns.map((turn) => [turn.id, turn]));
  const turns: Turn[] = [];
  for (let turn = byId.get(id); turn !== undefined; turn = byId.get(turn.parent ?? root)) turns.unshift(turn);
  return turns;
}

/** With one more turn, which is then on view. */
export function append(conversation: Conversation, turn: Turn, now = Date.now()): Conversation {
  return {
    ...conversation,
    title: conversation.title === "" && turn.role === "user" ? titleFor(turn) : conversation.title,
    updatedAt: now,
    turns: [...conversation.turns, turn],
    chosen: { ...conversation.chosen, [keyOf(turn.parent)]: turn.id },
  };
}

/** With an answer's fields changed. */
export function changeAnswer(
  conversation: Conversation,
  id: string,
  fields: Partial<Omit<AnswerTurn, "id" | "parent" | "role">>,
): Conversation {
  const turns = conversation.turns.map((turn) =>
    turn.id === id && turn.role === "assistant" ? { ...turn, ...fields } : turn,
  );
  return { ...conversation, turns };
}

/** With another branch on view. */
export function choose(conversation: Conversation, turn: Turn): Conversation {
  return { ...conversation, chosen: { ...conversation.chosen, [keyOf(turn.parent)]: turn.id } };
}

/** Answers that were being written when the page went away count as stopped. */
export function settle(conversation: Conversation): Conversation {
  const turns = conversation.turns.map((turn) =>
    turn.role === "assistant" && turn.state === "writing" ? { ...turn, state: "stopped" as const } : turn,
  );
  return { ...conversation, turns };
}

/** The files of all turns, those of branches too. */
export function attachmentsOf(conversation: Conversation): Attachment[] {
  return conversation.turns.flatMap((turn) => (turn.role === "user" ? turn.attachments : []));
}

const longestTitle = 48;

function titleFor({ text, attachments }: UserTurn): string {
  const line = text.trim().split("\n")[0];
  if (line === "") return attachments[0]?.kind === "video" ? "A video" : "A picture";
  return line.length <= longestTitle ? line : `${line.slice(0, longestTitle - 1).trimEnd()}…`;
}

/** A conversation's branch as Markdown, for the clipboard. Answers without a word are left out. */
export function asMarkdown(turns: readonly Turn[]): string {
  const paragraphs = turns.flatMap((turn) => {
    if (turn.role === "assistant") return turn.text === "" ? [] : ["**Owl**", turn.text];
    const files = turn.attachments.map(
      ({ kind, name }) => `[${kind === "image" ? "picture" : kind}: ${name}]`,
    );
    return ["**You**", ...files, ...(turn.text === "" ? [] : [turn.text])];
  });
  return paragraphs.join("\n\n");
}
