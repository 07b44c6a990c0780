import { z } from "zod";
import { fromDataUrl } from "../attachments/data-url.ts";
import {
  type Attachment,
  attachmentsOf,
  type Conversation,
  endUnfinished,
  newId,
  withoutAttachment,
} from "./conversation.ts";

// Zod may compile its checks with `new Function`, which the page's Content-Security-Policy forbids.
z.config({ jitless: true });

const format = "mplug-owl conversations";
const version = 1;

const attachment = z.object({
  id: z.string().min(1),
  kind: z.enum(["image", "video"]),
  name: z.string(),
  type: z.string().regex(/^(image|video)\/[\w.+-]+$/),
  note: z.string().optional(),
});

const userTurn = z.object({
  id: z.string().min(1),
  parent: z.string().nullable(),
  role: z.literal("user"),
  text: z.string(),
  attachments: z.array(attachment),
});

const count = z.number().nonnegative();

const answerTurn = z.object({
  id: z.string().min(1),
  parent: z.string(),
  role: z.literal("assistant"),
  text: z.string(),
  state: z.enum(["done", "length", "stopped", "interrupted", "failed"]),
  model: z.string(),
  problem: z.string().optional(),
  failure: z
    .object({
      kind: z.enum(["unreachable", "busy", "failed", "unauthorized", "unsupported", "refused"]),
      code: z.string().optional(),
    })
    .optional(),
  notes: z.array(z.string()).optional(),
  cut: z.enum(["setting", "positions"]).optional(),
  usage: z.object({ promptTokens: count, completionTokens: count }).optional(),
  timing: z
    .object({ firstMilliseconds: count, tokensPerSecond: count.optional(), tokens: count.optional() })
    .optional(),
  rating: z.enum(["up", "down", "flag"]).optional(),
  note: z.string().optional(),
});

const conversation = z
  .object({
    title: z.string().max(500),
    createdAt: z.number(),
    updatedAt: z.number(),
    turns: z.array(z.discriminatedUnion("role", [userTurn, answerTurn])),
    chosen: z.record(z.string(), z.string()),
    begin: z.string().optional(),
  })
  .superRefine(({ turns, chosen }, context) => {
    // Parents come first, and questions and answers alternate, so there are no cycles.
    const seen = new Map<string | null, string>([[null, "assistant"]]);
    for (const [i, turn] of turns.entries()) {
      const problem = seen.has(turn.id)
        ? `the id "${turn.id}" is there twice`
        : seen.get(turn.parent) === undefined
          ? "the turn it follows must come before it"
          : seen.get(turn.parent) === turn.role
            ? "a question must follow an answer, and an answer a question"
            : undefined;
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem, path: ["turns", i] });
      seen.set(turn.id, turn.role);
    }
    for (const [key, id] of Object.entries(chosen)) {
      const turn = turns.find((candidate) => candidate.id === id);
      if (turn === undefined || (turn.parent ?? "") !== key) {
        context.addIssue({
          code: "custom",
          message: "must name a branch that is there",
          path: ["chosen", key],
        });
      }
    }
  });

const schema = z
  .object({
    format: z.literal(format),
    version: z.literal(version),
    conversations: z.array(conversation),
    files: z.record(
      z.string(),
      z.string().regex(/^data:(image|video)\/[\w.+-]+;base64,[A-Za-z0-9+/]*={0,2}$/),
    ),
  })
  .superRefine(({ conversations, files }, context) => {
    for (const [i, { turns }] of conversations.entries()) {
      for (const { id, name } of turns.flatMap((turn) => (turn.role === "user" ? turn.attachments : []))) {
        if (Object.hasOwn(files, id)) continue;
        const message = `the file "${name}" is not there`;
        context.addIssue({ code: "custom", message, path: ["conversations", i] });
      }
    }
  });

/** A file is no export of this page; the message says why, in words. */
export class ArchiveError extends Error {
  override name = "ArchiveError";
}

export interface Archive {
  readonly conversations: readonly Conversation[];
  /** Bytes of attachments, by id. */
  readonly files: ReadonlyMap<string, Blob>;
}

/**
 * Conversations and their files as JSON.
 *
 * @param onGone told of a file whose bytes are gone: all else is exported
 */
export async function exportArchive(
  conversations: readonly Conversation[],
  read: (attachment: Attachment) => Promise<Blob>,
  onGone: (attachment: Attachment) => void = () => {},
): Promise<string> {
  const files: Record<string, string> = {};
  const gone = new Set<string>();
  for (const attachment of conversations.flatMap(attachmentsOf)) {
    const { id, type } = attachment;
    if (Object.hasOwn(files, id) || gone.has(id)) continue;
    const bytes = await read(attachment).catch(() => undefined);
    if (bytes !== undefined) files[id] = await asDataUrl(bytes, type);
    else {
      gone.add(id);
      onGone(attachment);
    }
  }
  // What is being written is exported as far as it has come.
  const plain = conversations.map((one) => {
    const { id: _, ...rest } = [...gone].reduce(withoutAttachment, endUnfinished(one, "interrupted"));
    return rest;
  });
  return JSON.stringify({ format, version, conversations: plain, files });
}

/**
 * Reads an export. Conversations and files get new ids, so that what is there already is not written over.
 *
 * @throws ArchiveError that names the first problems
 */
export function importArchive(text: string): Archive {
  const result = schema.safeParse(parseJson(text));
  if (!result.success) throw new ArchiveError(problemsOf(result.error));
  const newIds = new Map(Object.keys(result.data.files).map((id) => [id, newId()]));
  const files = Object.entries(result.data.files).map(([id, url]): [string, Blob] => [
    newIds.get(id)!,
    fromDataUrl(url),
  ]);
  const conversations = result.data.conversations.map((plain): Conversation => {
    const turns = plain.turns.map((turn) =>
      turn.role === "assistant"
        ? turn
        : { ...turn, attachments: turn.attachments.map((file) => ({ ...file, id: newIds.get(file.id)! })) },
    );
    return { ...plain, id: newId(), turns };
  });
  return { conversations, files: new Map(files) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ArchiveError("This file is not JSON. Choose one that this page has exported.");
  }
}

const toldProblems = 3;

function problemsOf({ issues }: z.ZodError): string {
  if (issues.some(({ path }) => path.length === 0 || path[0] === "format")) {
    return "This file is not an export of this page.";
  }
  if (issues.some(({ path }) => path[0] === "version")) {
    return "This file was exported by another version of this page, which this one cannot read.";
  }
  const told = issues.slice(0, toldProblems).map(({ path, message }) => `${path.join(" › ")}: ${message}`);
  const more = issues.length > toldProblems ? `, and ${issues.length - toldProblems} more` : "";
  return `This export is damaged: ${told.join("; ")}${more}. Nothing was imported.`;
}

async function asDataUrl(blob: Blob, type: string): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const parts: string[] = [];
  const step = 0x8000;
  for (let at = 0; at < bytes.length; at += step) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + step)));
  }
  return `data:${type};base64,${btoa(parts.join(""))}`;
}
