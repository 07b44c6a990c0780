import type { BackendErrorKind, Rating, Usage } from "../backends/backend.ts";

/** A file of a turn. Its bytes are kept apart, under its id. */
export interface Attachment {
  readonly id: string;
  readonly kind: "image" | "video";
  readonly name: string;
  /** Media type, as `image/png`. */
  readonly type: string;
  /** How the file was changed before it was sent, if it was. */
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

/** The kind of a failure. */
export interface Failure {
  readonly kind: BackendErrorKind;
  readonly code?: string | undefined;
  /** The id of the attachment that is in the way. */
  readonly attachment?: string | undefined;
}

export interface AnswerTurn {
  readonly id: string;
  readonly parent: string;
  readonly role: "assistant";
  readonly text: string;
  /** "length": cut; "interrupted": the page went away while it was written. */
  readonly state: "writing" | "done" | "length" | "stopped" | "interrupted" | "failed";
  readonly model: string;
  /** Why it failed, in words. */
  readonly problem?: string | undefined;
  readonly failure?: Failure | undefined;
  /** Remarks of the backend, such as that turns were left out. */
  readonly notes?: readonly string[] | undefined;
  /** By what it was cut: the setting, or the positions of the model, which were full. */
  readonly cut?: "setting" | "positions" | undefined;
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
  /** The first turn that is still sent; absent: all are. */
  readonly begin?: string | undefined;
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

/**
 * With the answers settled that are being written; where there are none, the very same conversation.
 *
 * @param state what became of them: the page went away, or somebody stopped them
 * @param isMeant which of them; default all
 */
export function endUnfinished(
  conversation: Conversation,
  state: "interrupted" | "stopped",
  isMeant: (turn: AnswerTurn) => boolean = () => true,
): Conversation {
  if (!unfinished(conversation).some(isMeant)) return conversation;
  const turns = conversation.turns.map((turn) =>
    turn.role === "assistant" && turn.state === "writing" && isMeant(turn) ? { ...turn, state } : turn,
  );
  return { ...conversation, turns };
}

/** The answers that are being written. */
export function unfinished({ turns }: Conversation): AnswerTurn[] {
  return turns.filter((turn): turn is AnswerTurn => turn.role === "assistant" && turn.state === "writing");
}

/** Error code of a server that no longer has the model: the page asks for the list of models again. */
export const modelIsGone = "model_not_found";

/** Whether asking the same again may help after a failure: perhaps when the page was loaded again with a key. */
export function isRetryable({ failure }: Pick<AnswerTurn, "failure">): boolean {
  if (failure === undefined || failure.code === modelIsGone) return true;
  return ["unreachable", "busy", "failed", "unauthorized"].includes(failure.kind);
}

/** Without a file of a question. */
export function withoutAttachment(conversation: Conversation, id: string): Conversation {
  const turns = conversation.turns.map((turn) =>
    turn.role === "user" && turn.attachments.some((file) => file.id === id)
      ? { ...turn, attachments: turn.attachments.filter((file) => file.id !== id) }
      : turn,
  );
  return { ...conversation, turns };
}

/** Of the turns that lead to a question those that are sent. */
export function sent({ begin }: Conversation, turns: readonly Turn[]): readonly Turn[] {
  const start = turns.findIndex(({ id }) => id === begin);
  return turns.slice(Math.max(0, start));
}

/**
 * A conversation as another tab has left it, with what is being written here: the answer, and the branch it is in.
 *
 * @param here the conversation in this tab
 * @param writing the answer that this tab is writing
 */
export function mergeWriting(stored: Conversation, here: Conversation, writing: string): Conversation {
  const own = here.turns.find(({ id }) => id === writing);
  if (own === undefined || own.role === "user") return stored;
  const branch = pathTo(stored, writing).map(({ parent, id }) => [keyOf(parent), id]);
  const chosen = { ...stored.chosen, ...Object.fromEntries(branch) };
  return { ...stored, chosen, turns: stored.turns.map((turn) => (turn.id === writing ? own : turn)) };
}

/**
 * A stored conversation with what a page that went away had not stored of it: turns that are missing, and the ends of answers that are
 * unfinished here. What others have changed since stays.
 *
 * @param left the conversation as that page left it
 */
export function mergeLeft(stored: Conversation, left: Conversation): Conversation {
  const known = new Set(stored.turns.map(({ id }) => id));
  const added = left.turns.filter(({ id }) => !known.has(id));
  const chosen = added.map(({ parent }) => keyOf(parent)).map((key) => [key, left.chosen[key]]);
  const ended = (turn: Turn): Turn => {
    if (turn.role === "user" || !["writing", "interrupted"].includes(turn.state)) return turn;
    const own = left.turns.find(({ id }) => id === turn.id);
    return own?.role === "assistant" && own.state !== "writing" ? { ...turn, ...own } : turn;
  };
  return {
    ...left,
    ...stored,
    updatedAt: Math.max(stored.updatedAt, left.updatedAt),
    turns: [...stored.turns.map(ended), ...added],
    chosen: { ...left.chosen, ...stored.chosen, ...Object.fromEntries(chosen) },
  };
}

/** The files of all turns, those of branches too. */
export function attachmentsOf(conversation: Conversation): Attachment[] {
  return conversation.turns.flatMap((turn) => (turn.role === "user" ? turn.attachments : []));
}

const longestTitle = 48;

/** What tells a conversation apart: its title, and behind a short one of the page's own what was first answered. */
export function nameOf(conversation: Conversation): string {
  const { title } = conversation;
  const [question, answer] = path(conversation);
  const isOwn = question?.role === "user" && title === titleFor(question);
  if (!isOwn || answer?.role !== "assistant" || answer.text.trim() === "") return title || "Untitled";
  return shortened(`${title} – ${answer.text.trim().split("\n")[0]}`, 2 * longestTitle);
}

/** The first words of what was first answered. */
export function firstAnswer(conversation: Conversation): string {
  const answer = path(conversation).find((turn) => turn.role === "assistant" && turn.text.trim() !== "");
  return answer === undefined ? "" : shortened(answer.text.trim().split("\n")[0], 2 * longestTitle);
}

/** The first picture or video of a conversation's branch on view. */
export function firstAttachment(conversation: Conversation): Attachment | undefined {
  return path(conversation).flatMap((turn) => (turn.role === "user" ? turn.attachments : []))[0];
}

/** When a conversation was last written in: the time today, else the day. */
export function whenOf({ updatedAt }: Conversation, now = Date.now()): string {
  const [day, today] = [new Date(updatedAt), new Date(now)];
  if (day.toDateString() === today.toDateString())
    return day.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const year = day.getFullYear() === today.getFullYear() ? {} : { year: "numeric" as const };
  return day.toLocaleDateString([], { day: "numeric", month: "short", ...year });
}

function shortened(line: string, longest: number): string {
  return line.length <= longest ? line : `${line.slice(0, longest - 1).trimEnd()}…`;
}

function titleFor({ text, attachments }: UserTurn): string {
  const line = text.trim().split("\n")[0];
  if (line === "") return attachments[0]?.kind === "video" ? "A video" : "A picture";
  return shortened(line, longestTitle);
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
