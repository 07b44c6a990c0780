import { createInterface, type Interface } from "node:readline/promises";
import type { ChatMessage } from "../owl/index.ts";
import { fileName, isDataUrl, nearestName, shortened } from "../platform/index.ts";
import { PromptError } from "../prompt/index.ts";
import { type Attachment, droppedAttachments, namedAttachments } from "./attachments.ts";
import { messageOf, ReportedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";

/** What the conversation loop needs from the model behind it. */
export interface Conversation {
  /** Pictures and videos for the first question. */
  readonly attachments: readonly Attachment[];
  /** A user's message. */
  readonly userMessage: (question: string, attachments: readonly Attachment[]) => ChatMessage;
  /** Prints the answer to messages of which the last is the user's, and returns it; shorter when aborted. */
  readonly answer: (messages: readonly ChatMessage[], signal: AbortSignal) => Promise<string>;
}

/** The messages so far, and the pictures and videos attached to the next question. */
interface State {
  messages: ChatMessage[];
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
 * Answers questions from the terminal (or lines of a pipe) until input ends; every turn sees the ones before it. An invalid
 * line is reported at once, and the conversation goes on.
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
  // Under readline a terminal delivers Ctrl-C as a key: it aborts the running answer, if there is one.
  let answering = false;
  terminal.on("SIGINT", () => (answering ? process.emit("SIGINT", "SIGINT") : terminal.close()));
  if (interactive) process.stdout.write(help);
  const state: State = { messages: [], attachments: [...conversation.attachments] };
  let failed = 0;
  for await (const line of linesOf(terminal)) {
    if (/^\/(?:quit|exit)$/.test(line)) break;
    answering = true;
    try {
      if (!(await handleCommand(line, state))) await answerQuestion(conversation, state, line);
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

/** Handles a line that is no question (empty, a command, or dropped files) and returns whether it was one. */
async function handleCommand(line: string, state: State): Promise<boolean> {
  if (line === "") return true;
  const [, word, rest] = /^\/(\w+)(?:\s+([\s\S]*))?$/.exec(line) ?? [];
  if (commands.includes(word)) {
    await runCommand(word, rest ?? "", state);
    return true;
  }
  const dropped = await droppedAttachments(line);
  if (dropped !== undefined) {
    attach(dropped, state);
    return true;
  }
  if (!line.startsWith("/")) return false;
  if (word === undefined) {
    // A path to nothing is a typing error, not a question.
    await namedAttachments("image", line);
    throw new UsageError(`${line}: must be a command; /help lists them`);
  }
  const near = nearestName(word, commands);
  const hint = near === undefined ? "/help lists them" : `did you mean /${near}?`;
  throw new UsageError(`/${word.slice(0, 60)}: must be a command; ${hint}`);
}

/** Runs a command such as /image. */
async function runCommand(word: string, rest: string, state: State): Promise<void> {
  if (word === "new") Object.assign(state, { messages: [], attachments: [] } satisfies State);
  else if (word === "help") process.stdout.write(help);
  else if (word === "image" || word === "video") {
    if (rest === "") throw new UsageError(`/${word}: must name a file, as /${word} FILE`);
    attach(await namedAttachments(word, rest), state);
  } else throw new UsageError(`/${word}: must stand alone, got words behind it`);
}

/** Attaches files to the next question and confirms it on standard error. */
function attach(files: readonly Attachment[], state: State): void {
  state.attachments.push(...files);
  for (const { type, file } of files) {
    const name = isDataUrl(file) ? shortened(file) : fileName(file);
    process.stderr.write(`(${type === "image" ? "picture" : "video"} for the next question: ${name})\n`);
  }
}

async function answerQuestion(
  { userMessage, answer }: Conversation,
  state: State,
  line: string,
): Promise<void> {
  const attachments = state.attachments.splice(0);
  const question = userMessage(line, attachments);
  try {
    const text = await interruptible((signal) => answer([...state.messages, question], signal));
    if (text !== "") state.messages.push(question, { role: "assistant", content: text });
  } catch (error) {
    // The question failed, not its files: they stay attached to the next one.
    if (error instanceof PromptError) attach(attachments, state);
    throw error;
  }
}
