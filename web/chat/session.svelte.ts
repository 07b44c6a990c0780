import type { ChatMessage, Rating } from "../backends/backend.ts";
import { BackendError } from "../backends/backend.ts";
import {
  type AnswerTurn,
  type Attachment,
  append,
  type Conversation,
  changeAnswer,
  choose,
  endUnfinished,
  modelIsGone,
  nameOf,
  newConversation,
  newId,
  path,
  pathTo,
  sent,
  siblings,
  type Turn,
  withoutAttachment,
} from "../conversation/conversation.ts";
import { toMessages } from "../conversation/messages.ts";
import { type Answerer, errorMessage, type Progress, writeAnswer } from "./answering.ts";
import { choices } from "./choices.svelte.ts";
import { Conversations, type Writing } from "./conversations.svelte.ts";
import { notices } from "./notices.svelte.ts";
import { pageHistory } from "./page-history.ts";
import { whileWriting } from "./unfinished-answer.ts";

/** An answer that this tab is writing. */
interface Running extends Writing {
  readonly controller: AbortController;
}

/** The conversations, the one on view, and the answer that is being written. */
class Session {
  readonly #store: Conversations = new Conversations(
    () => this.running,
    (lost) => this.#lose(lost),
  );
  /** The one on view, as it was when it came on view. */
  #shown = $state.raw<Conversation>(newConversation());
  /** The conversation that was to be shown and is not there (yet): another tab may be about to store it. */
  #sought = $state("");
  running = $state.raw<Running | undefined>();
  progress = $state.raw<Progress | undefined>();
  isReady = $state(false);
  #storedAt = 0;

  readonly conversations = $derived(this.#store.all);
  readonly current = $derived(this.#find(this.#shown.id) ?? this.#find(this.#sought) ?? this.#shown);
  readonly turns = $derived(path(this.current));
  readonly isWriting = $derived(this.running?.conversation === this.current.id);
  /** Conversations with at least one turn, the latest first. */
  readonly list = $derived(Object.values(this.conversations).sort((a, b) => b.updatedAt - a.updatedAt));

  async open(): Promise<void> {
    pageHistory.onAddress = (id) => this.#look(id);
    await this.#store.open();
    if (this.current.turns.length === 0) this.#look(location.hash.slice(1));
    this.isReady = true;
  }

  /** Shows another conversation; without an id a new one. Back leads to the one before. */
  show(id?: string): void {
    this.#look(id);
    pageHistory.address(this.current.turns.length === 0 ? "" : this.current.id, false);
  }

  readonly readFile = async ({ id }: Pick<Attachment, "id">): Promise<Blob> => {
    return (await this.#store.storage).readFile(id);
  };

  async keepFile(file: Blob): Promise<string> {
    const id = newId();
    await this.#saveFile(id, file);
    return id;
  }

  async #saveFile(id: string, file: Blob): Promise<void> {
    const storage = await this.#store.storage;
    // Read here and now: the file on the disk may change or go.
    const stored = { bytes: await file.arrayBuffer(), type: file.type };
    try {
      await storage.saveFile(id, stored);
    } catch {
      notices.problem("The browser's store is full: this picture is there until the page is closed.");
    }
  }

  /**
   * Asks a question and has it answered.
   *
   * @param parent the turn it follows: the last on view, or that before an edited question
   */
  ask(text: string, attachments: readonly Attachment[], parent = this.turns.at(-1)?.id ?? null): void {
    if (this.running !== undefined) return;
    const question: Turn = { id: newId(), parent, role: "user", text, attachments };
    this.#append(question);
    pageHistory.address(this.current.id, true);
    this.#answer(question.id);
  }

  /** From now on sends no turn before a question, and has it answered. */
  leaveOutBefore(question: string): void {
    if (this.running !== undefined) return;
    this.#store.update(this.current.id, (found) => found && { ...found, begin: question });
    this.#answer(question);
  }

  /** Takes a file out of the conversation, and has a question answered. */
  removeAttachment(id: string, question: string): void {
    if (this.running !== undefined) return;
    this.#store.update(this.current.id, (found) => found && withoutAttachment(found, id));
    this.#answer(question);
  }

  /** Has a question answered once more, in a branch of its own. */
  regenerate(answer: AnswerTurn): void {
    if (this.running === undefined) this.#answer(answer.parent);
  }

  stop(): void {
    this.running?.controller.abort();
  }

  choose(turn: Turn): void {
    this.#store.update(this.current.id, (found) => found && choose(found, turn));
  }

  rename(id: string, title: string): void {
    const wanted = title.trim();
    if (wanted !== "") this.#store.update(id, (found) => found && { ...found, title: wanted });
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
    for (const id of ids) this.#store.update(id, () => undefined);
    if (ids.includes(shown)) this.#leave();
    const words =
      removed.length === 1 ? `"${nameOf(removed[0])}" is deleted.` : `${removed.length} are deleted.`;
    const run = (): void => {
      // The answer that was being written was stopped.
      for (const one of removed)
        this.#store.update(one.id, (found) => found ?? endUnfinished(one, "stopped"));
      if (ids.includes(shown)) this.show(shown);
    };
    notices.info(told ?? words, { label: "Undo", run });
  }

  /** Adds conversations that were imported. */
  async add(conversations: readonly Conversation[], files: ReadonlyMap<string, Blob>): Promise<void> {
    for (const [id, file] of files) await this.#saveFile(id, file);
    for (const conversation of conversations) this.#store.update(conversation.id, () => conversation);
    if (conversations.length > 0) this.show(conversations[0].id);
  }

  /** Stores a rating here and sends it to the backend. */
  async rate(answer: AnswerTurn, rating: Rating, note: string): Promise<void> {
    const { current } = this;
    const { id } = current;
    const turns = sent(current, pathTo(current, answer.parent));
    this.#change(id, answer.id, { rating, note: note === "" ? undefined : note });
    await choices.connected();
    const { backend } = choices;
    const here = "Your rating stays in this browser";
    if (backend?.sendFeedback === undefined) {
      notices.info(`${here}: nobody else is there to keep it.`);
      return;
    }
    try {
      const messages = await toMessages(turns, this.readFile);
      const { model, text } = answer;
      await backend.sendFeedback({ model, messages, answer: text, rating, ...(note !== "" && { note }) });
      notices.info("Thank you. The server has kept it.");
    } catch (error) {
      if (error instanceof BackendError && error.kind === "unsupported") {
        notices.info(`${here}: this server keeps no feedback.`);
      } else notices.problem(`${here}. ${errorMessage(error)}`);
    }
  }

  /**
   * Files of a branch that are sent.
   *
   * @param last its last turn, null for none; else the branch on view
   */
  attachmentCount(last: string | null = this.turns.at(-1)?.id ?? null): number {
    const turns = last === null ? [] : pathTo(this.current, last);
    return sent(this.current, turns).reduce(
      (count, turn) => count + (turn.role === "user" ? turn.attachments.length : 0),
      0,
    );
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
    this.#append(answer);
    const { id } = this.current;
    const running: Running = { conversation: id, turn: answer.id, controller: new AbortController() };
    this.running = running;
    const work = this.#write(running, this.#messages(question)).finally(() => {
      this.running = undefined;
      this.#sayIfSame(id, answer.id);
    });
    void whileWriting(answer.id, work);
  }

  #messages(question: string): Promise<ChatMessage[]> {
    return toMessages(sent(this.current, pathTo(this.current, question)), this.readFile);
  }

  #write({ conversation, turn, controller }: Running, messages: Promise<ChatMessage[]>): Promise<void> {
    const answerer = this.#answerer((model) => this.#change(conversation, turn, { model }));
    return writeAnswer(answerer, messages, controller.signal, {
      change: (fields) => {
        // An answer that the page's own going cut is no failed one.
        const isCut = fields.state === "failed" && this.#store.isLeaving;
        this.#change(conversation, turn, isCut ? { state: "interrupted" } : fields);
        const { kind, code } = fields.failure ?? {};
        if (kind === "unreachable" || code === modelIsGone) choices.disconnected(fields.problem ?? "");
      },
      progress: (progress) => {
        this.progress = progress;
      },
    });
  }

  /**
   * Who answers, as soon as that is known.
   *
   * @param name tells which model it is
   */
  async #answerer(name: (model: string) => void): Promise<Answerer> {
    await choices.connected();
    // The server may be back.
    if (choices.models.length === 0) await choices.connect();
    const { backend, settings } = choices;
    if (backend === undefined || choices.models.length === 0) {
      throw new BackendError("unreachable", choices.problem ?? "Nobody is there to answer yet.");
    }
    name(settings.model);
    return { backend, settings, positions: choices.model?.positions };
  }

  /** A second answer that is the same as the first wants an explanation. */
  #sayIfSame(conversationId: string, id: string): void {
    const conversation = this.conversations[conversationId];
    const answer = conversation?.turns.find((turn) => turn.id === id);
    if (
      conversation === undefined ||
      answer?.text === "" ||
      choices.settings.doSample ||
      answer === undefined
    )
      return;
    const others = siblings(conversation, answer).filter((turn) => turn !== answer);
    if (!others.some(({ text }) => text === answer.text)) return;
    notices.info("The same answer: without sampling the owl always gives the one it holds best.", {
      label: "Turn sampling on",
      run: () => {
        choices.settings = { ...choices.settings, doSample: true };
      },
    });
  }

  #change(conversationId: string, id: string, fields: Parameters<typeof changeAnswer>[2]): void {
    const before = this.conversations[conversationId]?.turns.find((turn) => turn.id === id);
    if (before?.role !== "assistant") return;
    // The first words and what it becomes are stored, and every now and then what there is of it.
    const isFirst = fields.text !== undefined && before.text === "";
    const isFew = fields.state === undefined && fields.rating === undefined && !isFirst;
    const isStored = !isFew || Date.now() > this.#storedAt + millisecondsBetweenStores;
    if (isStored) this.#storedAt = Date.now();
    // The store has less of it than this tab, which writes it.
    const all = before.state === "writing" ? { ...before, ...fields } : fields;
    this.#store.update(conversationId, (found) => found && changeAnswer(found, id, all), isStored);
  }

  /** Puts a turn behind the conversation on view, which it begins where it is the first. */
  #append(turn: Turn): void {
    const { current } = this;
    const now = Date.now();
    const isNew = current.turns.length === 0;
    this.#store.update(current.id, (found) =>
      found || isNew ? append(found ?? current, turn, now) : undefined,
    );
  }

  /** Another tab has deleted a conversation. */
  #lose(conversation: Conversation): void {
    if (this.running?.conversation === conversation.id) this.stop();
    if (![this.#shown.id, this.#sought].includes(conversation.id)) return;
    this.#leave();
    notices.info(`"${nameOf(conversation)}" was deleted in another tab.`);
  }

  /** Shows a new conversation in place of one that is gone. */
  #leave(): void {
    this.#look();
    pageHistory.address("", true);
  }

  #look(id = ""): void {
    const found = this.#find(id);
    if (id !== "" && found === undefined) notices.info("This conversation is not in this browser.");
    this.#sought = found === undefined ? id : "";
    this.#shown = found ?? newConversation();
  }

  #find(id: string): Conversation | undefined {
    return Object.hasOwn(this.conversations, id) ? this.conversations[id] : undefined;
  }
}

const millisecondsBetweenStores = 400;

export const session = new Session();
