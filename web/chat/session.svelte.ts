import type { Rating } from "../backends/backend.ts";
import { BackendError } from "../backends/backend.ts";
import {
  type AnswerTurn,
  type Attachment,
  append,
  type Conversation,
  changeAnswer,
  choose,
  newConversation,
  newId,
  path,
  pathTo,
  settle,
  siblings,
  type Turn,
} from "../conversation/conversation.ts";
import { toMessages } from "../conversation/messages.ts";
import { Storage } from "../storage/storage.ts";
import { type Answerer, inWords, type Progress, writeAnswer } from "./answering.ts";
import { choices } from "./choices.svelte.ts";
import { notices } from "./notices.svelte.ts";

/** An answer that is being written. */
interface Running {
  readonly conversation: string;
  readonly turn: string;
  readonly controller: AbortController;
}

/** The conversations, the one on view, and the answer that is being written. */
class Session {
  conversations = $state.raw<Readonly<Record<string, Conversation>>>({});
  current = $state.raw<Conversation>(newConversation());
  running = $state.raw<Running | undefined>();
  progress = $state.raw<Progress | undefined>();
  isReady = $state(false);
  #storage: Storage | undefined;
  #storedAt = 0;

  readonly turns = $derived(path(this.current));
  readonly isWriting = $derived(this.running?.conversation === this.current.id);
  /** Those that somebody has written in, the latest first. */
  readonly list = $derived(Object.values(this.conversations).sort((a, b) => b.updatedAt - a.updatedAt));

  async open(): Promise<void> {
    this.#storage = await Storage.open();
    if (!this.#storage.keeps) {
      notices.problem("This browser keeps nothing for this page: conversations are gone when it is closed.");
    }
    try {
      const loaded = await this.#storage.load();
      this.conversations = {
        ...Object.fromEntries(loaded.map((one) => [one.id, one])),
        ...this.conversations,
      };
    } catch {
      notices.problem("Earlier conversations cannot be read from this browser.");
    }
    const wanted = this.conversations[location.hash.slice(1)];
    if (wanted !== undefined && this.current.turns.length === 0) this.current = wanted;
    this.isReady = true;
  }

  /** Shows another conversation; without an id a new one. */
  show(id?: string): void {
    this.current = (id !== undefined && this.conversations[id]) || newConversation();
    const hash =
      this.current.turns.length === 0 ? location.pathname + location.search : `#${this.current.id}`;
    history.replaceState(null, "", hash);
  }

  readonly readFile = async ({ id }: Attachment): Promise<Blob> => {
    if (this.#storage === undefined) throw new Error("The page is still opening.");
    return this.#storage.readFile(id);
  };

  async keepFile(file: Blob): Promise<string> {
    const id = newId();
    try {
      await this.#storage?.saveFile(id, file);
    } catch {
      notices.problem("The browser's store is full: this picture is there until the page is closed.");
    }
    return id;
  }

  /**
   * Asks a question and has it answered.
   *
   * @param parent the turn it follows: the last on view, or that before an edited question
   */
  ask(text: string, attachments: readonly Attachment[], parent = this.turns.at(-1)?.id ?? null): void {
    if (this.running !== undefined) return;
    const question: Turn = { id: newId(), parent, role: "user", text, attachments };
    this.#put(append(this.current, question));
    if (location.hash.slice(1) !== this.current.id) history.replaceState(null, "", `#${this.current.id}`);
    this.#answer(question.id);
  }

  /** Has a question answered once more, in a branch of its own. */
  regenerate(answer: AnswerTurn): void {
    if (this.running === undefined) this.#answer(answer.parent);
  }

  stop(): void {
    this.running?.controller.abort();
  }

  choose(turn: Turn): void {
    this.#put(choose(this.current, turn));
  }

  rename(id: string, title: string): void {
    const conversation = this.conversations[id];
    if (conversation !== undefined && title.trim() !== "")
      this.#put({ ...conversation, title: title.trim() });
  }

  /** Empties the conversation on view; for a while it can be brought back. */
  clear(): void {
    this.remove([this.current.id], "The conversation is cleared.");
  }

  /**
   * Removes conversations; for a while they can be brought back.
   *
   * @param told what the notice says
   */
  remove(ids: readonly string[], told?: string): void {
    const removed = ids.map((id) => this.conversations[id]).filter((one) => one !== undefined);
    if (removed.length === 0) return;
    if (this.running !== undefined && ids.includes(this.running.conversation)) this.stop();
    const shown = this.current.id;
    this.conversations = Object.fromEntries(
      Object.entries(this.conversations).filter(([id]) => !ids.includes(id)),
    );
    for (const id of ids) void this.#storage?.remove(id);
    if (ids.includes(shown)) this.show();
    const words =
      removed.length === 1 ? `"${removed[0].title}" is deleted.` : `${removed.length} are deleted.`;
    const run = (): void => {
      // The answer that was being written was stopped.
      for (const conversation of removed) this.#put(settle(conversation));
      if (ids.includes(shown)) this.show(shown);
    };
    notices.tell(told ?? words, { label: "Undo", run });
  }

  /** Adds conversations that were imported. */
  async add(conversations: readonly Conversation[], files: ReadonlyMap<string, Blob>): Promise<void> {
    for (const [id, file] of files) await this.#storage?.saveFile(id, file);
    for (const conversation of conversations) this.#put(conversation);
    if (conversations.length > 0) this.show(conversations[0].id);
  }

  /** Keeps what somebody thinks of an answer, here and with the backend. */
  async rate(answer: AnswerTurn, rating: Rating, note: string): Promise<void> {
    const { id } = this.current;
    const turns = pathTo(this.current, answer.parent);
    this.#change(id, answer.id, { rating, note: note === "" ? undefined : note });
    await choices.connected();
    const { backend } = choices;
    const here = "Your rating stays in this browser";
    if (backend?.sendFeedback === undefined) {
      notices.tell(`${here}: nobody else is there to keep it.`);
      return;
    }
    try {
      const messages = await toMessages(turns, this.readFile);
      const { model, text } = answer;
      await backend.sendFeedback({ model, messages, answer: text, rating, ...(note !== "" && { note }) });
      notices.tell("Thank you. The server has kept it.");
    } catch (error) {
      if (error instanceof BackendError && error.kind === "unsupported") {
        notices.tell(`${here}: this server keeps no feedback.`);
      } else notices.problem(`${here}. ${inWords(error)}`);
    }
  }

  /**
   * Files of a branch.
   *
   * @param last its last turn, null for none; else the branch on view
   */
  attachmentCount(last: string | null = this.turns.at(-1)?.id ?? null): number {
    const turns = last === null ? [] : pathTo(this.current, last);
    return turns.reduce((count, turn) => count + (turn.role === "user" ? turn.attachments.length : 0), 0);
  }

  #answer(question: string): void {
    const answer: AnswerTurn = {
      id: newId(),
      parent: question,
      role: "assistant",
      text: "",
      state: "writing",
      model: choices.settings.model,
    };
    this.#put(append(this.current, answer));
    const { id } = this.current;
    const running: Running = { conversation: id, turn: answer.id, controller: new AbortController() };
    this.running = running;
    const messages = toMessages(pathTo(this.current, question), this.readFile);
    const answerer = this.#answerer((model) => this.#change(id, answer.id, { model }));
    void writeAnswer(answerer, messages, running.controller.signal, {
      change: (fields) => this.#change(id, answer.id, fields),
      progress: (progress) => {
        this.progress = progress;
      },
    }).finally(() => {
      this.running = undefined;
      this.#sayIfSame(id, answer.id);
    });
  }

  /**
   * Who answers, as soon as that is known.
   *
   * @param name tells which model it is
   */
  async #answerer(name: (model: string) => void): Promise<Answerer> {
    await choices.connected();
    const { backend, settings } = choices;
    if (backend === undefined || choices.models.length === 0) {
      // Perhaps it has come back by the next try.
      void choices.connect();
      throw new BackendError("unreachable", choices.problem ?? "Nobody is there to answer yet.");
    }
    name(settings.model);
    return { backend, settings };
  }

  /** A second answer that is the same as the first wants an explanation. */
  #sayIfSame(conversationId: string, id: string): void {
    const conversation = this.conversations[conversationId];
    const answer = conversation?.turns.find((turn) => turn.id === id);
    if (conversation === undefined || answer?.text === "" || choices.settings.sample || answer === undefined)
      return;
    const others = siblings(conversation, answer).filter((turn) => turn !== answer);
    if (!others.some(({ text }) => text === answer.text)) return;
    notices.tell("The same answer: without sampling the owl always gives the one it holds best.", {
      label: "Turn sampling on",
      run: () => {
        choices.settings = { ...choices.settings, sample: true };
      },
    });
  }

  #change(conversationId: string, id: string, fields: Parameters<typeof changeAnswer>[2]): void {
    const conversation = this.conversations[conversationId];
    if (conversation === undefined) return;
    // What it becomes is stored, and once a second what there is of it.
    const isStored =
      fields.state !== undefined || fields.rating !== undefined || Date.now() > this.#storedAt + 1000;
    if (isStored) this.#storedAt = Date.now();
    this.#put(changeAnswer(conversation, id, fields), isStored);
  }

  #put(conversation: Conversation, isStored = true): void {
    this.conversations = { ...this.conversations, [conversation.id]: conversation };
    if (this.current.id === conversation.id) this.current = conversation;
    if (!isStored) return;
    this.#storage?.save(conversation).catch(() => {
      notices.problem("The browser's store is full: export conversations and delete some.");
    });
  }
}

export const session = new Session();
