import { createInterface, type Interface } from "node:readline/promises";
import type { ChatMessage } from "../owl/index.ts";
import { fileName, isDataUrl, nearestName, shortened } from "../platform/index.ts";
import { PromptError } from "../prompt/index.ts";
import { type Attachment, droppedAttachments, namedAttachments } from "./attachments.ts";
import { messageOf, ReportedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";

/** What a conversation needs from whoever answers. */
export interface Conversation {
  /** Pictures and videos for the first question. */
  readonly attachments: readonly Attachment[];
  /** A user's message. */
  readonly turn: (question: string, attachments: readonly Attachment[]) => ChatMessage;
  /** Prints the answer to messages of which the last is the user's, and returns it; shorter when aborted. */
  readonly answer: (messages: readonly ChatMessage[], signal: AbortSignal) => Promise<string>;
}

/** What has been said, and the pictures and videos that wait for the next question. */
interface State {
  said: ChatMessage[];
  attachments: Attachment[];
}

const help = `Type a question and press Enter.
  /image FILE   add a picture to the next question (or drop its file here)
  /video FILE   add a video to the next question
  /new          forget the conversation
  /quit         leave (or Ctrl-D)
`;
const commands = ["image", "video", "new", "quit", "exit", "help"];

/**
 * Questions from the terminal (or lines of a pipe) until it ends; every turn sees the ones before it. A mistake is told
 * at once and costs nothing but its own line.
 *
 * @throws ReportedError at the end of a pipe of which a line failed
 */
export async function converse(conversation: Conversation): Promise<void> {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const terminal = createInterface({
    input: process.stdin,
    ...(interactive && { output: process.stdout }),
    prompt: "> ",
  });
  // A terminal in readline's hands delivers Ctrl-C as a key: to the answer under way if there is one.
  let answering = false;
  terminal.on("SIGINT", () => (answering ? process.emit("SIGINT", "SIGINT") : terminal.close()));
  if (interactive) process.stdout.write(help);
  const state: State = { said: [], attachments: [...conversation.attachments] };
  let failed = 0;
  for await (const line of linesOf(terminal)) {
    if (/^\/(?:quit|exit)$/.test(line)) break;
    answering = true;
    try {
      if (!(await isDone(line, state))) await takeTurn(conversation, state, line);
    } catch (error) {
      process.stderr.write(`owl: ${messageOf(error)}\n`);
      failed++;
    }
    answering = false;
  }
  terminal.close();
  if (failed > 0 && !interactive) throw new ReportedError(`${failed} of the lines failed`);
}

async function* linesOf(terminal: Interface): AsyncGenerator<string> {
  terminal.prompt();
  for await (const line of terminal) {
    yield line.trim();
    terminal.prompt();
  }
}

/** Whether a line was no question: empty, a command, or files that were dropped; what it asked for is done. */
async function isDone(line: string, state: State): Promise<boolean> {
  if (line === "") return true;
  const [, word, rest] = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(line) ?? [];
  if (commands.includes(word)) {
    await obey(word, rest ?? "", state);
    return true;
  }
  const dropped = await droppedAttachments(line);
  if (dropped !== undefined) {
    attach(dropped, state);
    return true;
  }
  if (!line.startsWith("/")) return false;
  if (word === undefined) {
    // A path that leads nowhere is a slip, not a question.
    await namedAttachments("image", line);
    throw new UsageError(`${line}: must be a command; /help lists them`);
  }
  const near = nearestName(word, commands);
  const hint = near === undefined ? "/help lists them" : `did you mean /${near}?`;
  throw new UsageError(`/${word.slice(0, 60)}: must be a command; ${hint}`);
}

/** Does what a command says. */
async function obey(word: string, rest: string, state: State): Promise<void> {
  if (word === "new") Object.assign(state, { said: [], attachments: [] });
  else if (word === "help") process.stdout.write(help);
  else if (word === "image" || word === "video") {
    if (rest === "") throw new UsageError(`/${word}: must name a file, as /${word} FILE`);
    attach(await namedAttachments(word, rest), state);
  } else throw new UsageError(`/${word}: must stand alone, got words behind it`);
}

/** Keeps files for the next question, and says so where somebody sees it. */
function attach(files: readonly Attachment[], state: State): void {
  state.attachments.push(...files);
  for (const { type, file } of files) {
    const name = isDataUrl(file) ? shortened(file) : fileName(file);
    process.stderr.write(`(${type === "image" ? "picture" : "video"} for the next question: ${name})\n`);
  }
}

async function takeTurn({ turn, answer }: Conversation, state: State, line: string): Promise<void> {
  const attachments = state.attachments.splice(0);
  const question = turn(line, attachments);
  try {
    const text = await interruptible((signal) => answer([...state.said, question], signal));
    if (text !== "") state.said.push(question, { role: "assistant", content: text });
  } catch (error) {
    // The words were in the way, not the files: those wait for the next ones.
    if (error instanceof PromptError) attach(attachments, state);
    throw error;
  }
}
