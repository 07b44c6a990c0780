import type { Transfer } from "../platform/index.ts";
import type { PageSays, WorkerSays } from "./messages.ts";

/** A question to a worker, which gets its number here. */
export type Question = Unnumbered<Extract<PageSays, { type: "chat" | "attention" }>>;
type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never;

/** What ends the pieces of an answer. */
export type Outcome = Extract<WorkerSays, { type: "answer" | "attention" }>;

/** An error of a worker, in its words and with its name: `FileError`, `DeviceLostError`, `WorkerCrash`, … */
export class WorkerFailure extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Takes what a worker says; returns whether it waits for more. */
type Listener = (said: WorkerSays) => void;

/** One worker and the answers that are on their way from it. */
export class WorkerLink {
  readonly #worker: Worker;
  /** By the number of their question. */
  readonly #answers = new Map<number, Listener>();
  #loading: Listener | undefined;
  #next = 0;
  /** Why it is of no more use. */
  #end: WorkerFailure | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<WorkerSays>) => this.#take(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const why = event.message ?? "its file cannot be loaded";
      this.#finish(new WorkerFailure("WorkerCrash", `The worker that runs the model ended: ${why}`));
    });
  }

  /** Loads a model; the number of threads it got. */
  load(order: PageSays, onTransfer: (transfer: Transfer) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#loading = (said) => {
        if (said.type === "transfer") onTransfer(said.transfer);
        else if (said.type === "ready") resolve(said.threads);
        else if (said.type === "failed") reject(new WorkerFailure(said.name, said.message));
      };
      this.#post(order);
    });
  }

  /**
   * An answer, piece by piece, and what it amounts to. Who stops reading stops the worker.
   *
   * @param onPiece is called before each piece is given
   */
  async *ask(
    question: Question,
    signal: AbortSignal | undefined,
    onPiece: () => void,
  ): AsyncGenerator<string, Outcome> {
    const id = this.#next++;
    const waiting: WorkerSays[] = [];
    let wake = (): void => {};
    this.#answers.set(id, (said) => {
      waiting.push(said);
      wake();
    });
    const stop = (): void => {
      this.#worker.postMessage({ type: "stop", id } satisfies PageSays);
      wake();
    };
    signal?.addEventListener("abort", stop);
    let ended = false;
    try {
      this.#post({ ...question, id });
      for (;;) {
        signal?.throwIfAborted();
        const said = waiting.shift();
        if (said === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (said.type === "text") {
          onPiece();
          yield said.text;
        } else {
          ended = true;
          if (said.type === "answer" || said.type === "attention") return said;
          if (said.type === "failed") throw new WorkerFailure(said.name, said.message);
        }
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#answers.delete(id);
      if (!ended) stop();
    }
  }

  /** Ends the worker; what is under way fails. */
  close(): void {
    this.#worker.terminate();
    this.#finish(new WorkerFailure("WorkerCrash", "The worker that runs the model was ended."));
  }

  #post(message: PageSays): void {
    if (this.#end === undefined) this.#worker.postMessage(message);
    else this.#finish(this.#end);
  }

  #take(said: WorkerSays): void {
    if ("id" in said && said.id !== undefined) this.#answers.get(said.id)?.(said);
    else this.#loading?.(said);
  }

  #finish(failure: WorkerFailure): void {
    this.#end = failure;
    const said = { type: "failed", name: failure.name, message: failure.message } as const;
    this.#loading?.(said);
    for (const [id, answer] of this.#answers) answer({ ...said, id });
  }
}
