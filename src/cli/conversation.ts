import { createInterface, type Interface } from "node:readline/promises";
import type { ChatMessage } from "../generation/index.ts";
import { messageOf } from "./failure.ts";
import { interruptible } from "./interrupt.ts";

/** A file that a question is about. */
export interface Attachment {
  readonly type: "image" | "video";
  readonly file: string;
}

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
  /image FILE   add a picture to the next question
  /video FILE   add a video to the next question
  /new          forget the conversation
  /quit         leave (or Ctrl-D)
`;

/** Questions from the terminal (or lines of a pipe) until it ends; every turn sees the ones before it. */
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
  for await (const line of linesOf(terminal)) {
    if (line.startsWith("/")) {
      if (!command(line, state)) break;
    } else if (line !== "") {
      answering = true;
      await (interactive
        ? reported(() => takeTurn(conversation, state, line))
        : takeTurn(conversation, state, line));
      answering = false;
    }
  }
  terminal.close();
}

async function* linesOf(terminal: Interface): AsyncGenerator<string> {
  terminal.prompt();
  for await (const line of terminal) {
    yield line.trim();
    terminal.prompt();
  }
}

/** What a line starting with a slash does; false when the conversation is over. */
function command(line: string, state: State): boolean {
  const [word, ...rest] = line.slice(1).split(" ");
  if (word === "quit" || word === "exit") return false;
  if (word === "new") Object.assign(state, { said: [], attachments: [] });
  else if ((word === "image" || word === "video") && rest.length > 0)
    state.attachments.push({ type: word, file: rest.join(" ") });
  else process.stdout.write(help);
  return true;
}

async function takeTurn({ turn, answer }: Conversation, state: State, line: string): Promise<void> {
  const question = turn(line, state.attachments.splice(0));
  const text = await interruptible((signal) => answer([...state.said, question], signal));
  if (text !== "") state.said.push(question, { role: "assistant", content: text });
}

/** A person's mistake (an unreadable picture, say) is reported, and the conversation goes on without that turn. */
async function reported(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    process.stderr.write(`owl: ${messageOf(error)}\n`);
  }
}
