import { type ContentPart, type Message, withLineFeeds } from "../prompt/index.ts";
import { otherMarks, swallowedTurns, textDamage } from "./text-problems.ts";

type Role = Message<number>["role"];

/** A part of what somebody says: words, or the place of the next picture or video of the row. */
export type GivenPart = { readonly text: string } | { readonly shown: "image" | "video" };

/** What somebody says, as a row gives it. */
export interface GivenTurn {
  readonly role: Role;
  readonly parts: readonly GivenPart[];
}

/** What a row shows, for which its turns have places. */
export interface Shown {
  readonly pictures: number;
  readonly videos: number;
}

/** What the roles are called, in small letters. */
const roleNames: Readonly<Record<string, Role>> = {
  human: "user",
  user: "user",
  person: "user",
  gpt: "assistant",
  assistant: "assistant",
  ai: "assistant",
  bot: "assistant",
  chatgpt: "assistant",
  bard: "assistant",
  bing: "assistant",
  model: "assistant",
  system: "system",
  developer: "system",
};

/** The role that a name stands for, however it is written (`Human :`); undefined for a tool's and unknown ones. */
export function roleOf(name: unknown): Role | undefined {
  if (typeof name !== "string") return undefined;
  const word = name.replaceAll(/[\s:\uff1a\u200b\ufeff]+/g, "").toLowerCase();
  return Object.hasOwn(roleNames, word) ? roleNames[word] : undefined;
}

/** The marks that formats other than mPLUG-Owl's write for pictures and videos. */
const marks = /<(image|video)>|<\|(video)\|>/g;

/** Those of mPLUG-Owl2's rows, which are LLaVA's but for the mark. */
const owl2Marks = /<\|(image)\|>|<\|(video)\|>/g;

/** A text with its marks as places of pictures and videos. */
function partsAtMarks(text: string, marks: RegExp): GivenPart[] {
  const parts: GivenPart[] = [];
  let end = 0;
  for (const match of text.matchAll(marks)) {
    parts.push({ text: text.slice(end, match.index) });
    parts.push({ shown: (match[1] ?? match[2]) === "video" ? "video" : "image" });
    end = match.index + match[0].length;
  }
  return [...parts, { text: text.slice(end) }];
}

/**
 * Turns whose texts have marks (`<image>`) for the pictures and videos of the row. Marks count in what people say; in an answer the
 * word stays a word.
 *
 * @param unmarked what it means that a row has no mark at all: its pictures come first, or it is not known where they belong
 */
export function placedByMarks(
  turns: readonly GivenTurn[],
  { pictures, videos }: Shown,
  unmarked: "front" | "error",
): GivenTurn[] {
  const byOwn = cutAt(turns, marks);
  // Where another mark places what the row shows, this one is a word.
  const placed = pictures > 0 && placesIn(byOwn) === 0 ? cutAt(turns, owl2Marks) : byOwn;
  // Some data sets about videos write <image> for them.
  const asVideos = pictures === 0 && videos > 0 ? placed.map(withVideos) : placed;
  if (placesIn(placed) > 0 || unmarked === "error") return asVideos;
  const first = turns.findIndex(({ role }) => role === "user");
  const shown: GivenPart[] = [
    ...Array.from({ length: pictures }, (): GivenPart => ({ shown: "image" })),
    ...Array.from({ length: videos }, (): GivenPart => ({ shown: "video" })),
  ];
  return asVideos.map((turn, i) => (i === first ? { ...turn, parts: [...shown, ...turn.parts] } : turn));
}

/** What people say, with its marks as places. */
function cutAt(turns: readonly GivenTurn[], marks: RegExp): GivenTurn[] {
  const cut = (part: GivenPart): GivenPart[] => ("text" in part ? partsAtMarks(part.text, marks) : [part]);
  return turns.map((turn) => (turn.role === "user" ? { ...turn, parts: turn.parts.flatMap(cut) } : turn));
}

const placesIn = (turns: readonly GivenTurn[]): number =>
  turns.flatMap(({ parts }) => parts).filter((part) => "shown" in part).length;

function withVideos(turn: GivenTurn): GivenTurn {
  return { ...turn, parts: turn.parts.map((part) => ("shown" in part ? { shown: "video" } : part)) };
}

/**
 * A row's turns as a conversation to learn from: its system's words in front, texts without blanks at their ends and with `\n`
 * alone.
 *
 * @returns everything that is wrong with it, where something is
 */
export function conversationOfTurns(
  turns: readonly GivenTurn[],
  shown: Shown,
): { readonly messages: readonly Message<number, number>[] } | { readonly problems: readonly string[] } {
  const tidy = turns.map(({ role, parts }) => ({ role, parts: parts.flatMap(tidyPart) }));
  const problems = [...turnProblems(tidy), ...markProblems(tidy, shown)];
  if (problems.length > 0) return { problems };
  const counts = { image: 0, video: 0 };
  const messages = tidy.map(({ role, parts }): Message<number, number> => {
    const content = parts.map((part): ContentPart<number, number> => {
      if ("text" in part) return { type: "text", text: part.text };
      const { shown: kind } = part;
      return kind === "image"
        ? { type: "image", image: counts.image++ }
        : { type: "video", video: counts.video++ };
    });
    return { role, content: content.length === 1 && content[0].type === "text" ? content[0].text : content };
  });
  const system = tidy.filter(({ role }) => role === "system").flatMap(({ parts }) => parts);
  const words = system.flatMap((part) => ("text" in part ? [part.text] : [])).join("\n");
  const others = messages.filter(({ role }) => role !== "system");
  return { messages: words === "" ? others : [{ role: "system", content: words }, ...others] };
}

function tidyPart(part: GivenPart): GivenPart[] {
  if (!("text" in part)) return [part];
  const text = withLineFeeds(part.text).trim();
  return text === "" ? [] : [{ text }];
}

const who: Readonly<Record<Role, string>> = {
  system: "the system's",
  user: "a person's",
  assistant: "the assistant's",
};

function turnProblems(turns: readonly GivenTurn[]): string[] {
  const problems: string[] = [];
  let last: Role | undefined;
  for (const [i, { role, parts }] of turns.entries()) {
    const where = `turn ${i + 1}, ${who[role]},`;
    if (parts.length === 0 && role !== "system") problems.push(`${where} must say something, got nothing`);
    if (role !== "user" && parts.some((part) => "shown" in part))
      problems.push(`${where} must be words alone, got a picture; put it before the question`);
    if (role === "assistant" && last === "assistant")
      problems.push(
        `${where} must answer a person, got an answer behind an answer; a turn between them is missing`,
      );
    for (const part of parts) {
      if (!("text" in part)) continue;
      const found = [...textDamage(part.text), ...swallowedTurns(part.text, role)];
      problems.push(...found.map((problem) => `${where} ${problem}`));
    }
    if (role !== "system") last = role;
  }
  if (!turns.some(({ role }) => role === "assistant"))
    problems.push("must have an answer of the assistant's, got none; without one there is nothing to learn");
  return problems;
}

function markProblems(turns: readonly GivenTurn[], { pictures, videos }: Shown): string[] {
  const parts = turns.flatMap((turn) => turn.parts);
  const countOf = (kind: "image" | "video"): number =>
    parts.filter((part) => "shown" in part && part.shown === kind).length;
  const text = parts.flatMap((part) => ("text" in part ? [part.text] : [])).join("\n");
  const problems: string[] = [];
  for (const [kind, mark, count] of [
    ["image", "<image>", pictures],
    ["video", "<video>", videos],
  ] as const) {
    const found = countOf(kind);
    if (found === count) continue;
    const what = kind === "image" ? "picture" : "video";
    problems.push(
      `needs one ${mark} mark a ${what} in what people say, got ${found} for ${count}${otherMarks(text, false)}`,
    );
  }
  return problems;
}
