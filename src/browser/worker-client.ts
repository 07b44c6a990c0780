import type { Transfer } from "../platform/index.ts";
import type { WorkerRequest, WorkerResponse } from "./messages.ts";

/** A request that has responses; {@link WorkerClient} numbers it. */
export type WorkerQuestion = WithoutId<Extract<WorkerRequest, { type: "chat" | "attention" }>>;
type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

/** The last response to a question, unless it fails. */
export type FinalResponse = Extract<WorkerResponse, { type: "answer" | "attention" }>;

/** An error of a worker with its message and name: `FileError`, `DeviceLostError`, `WorkerCrash`, … */
export class WorkerFailure extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

type Listener = (response: WorkerResponse) => void;

/** The page's side of one worker: posts requests and gives each response to the question that it answers. */
export class WorkerClient {
  readonly #worker: Worker;
  /** Who waits for responses, by the question's id. */
  readonly #listeners = new Map<number, Listener>();
  #loading: Listener | undefined;
  #nextId = 0;
  /** Why the worker cannot be used any more. */
  #failure: WorkerFailure | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", ({ data }: MessageEvent<WorkerResponse>) => this.#dispatch(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const why = event.message ?? "its file cannot be loaded";
      this.#fail(new WorkerFailure("WorkerCrash", `The worker that runs the model ended: ${why}`));
    });
  }

  /** Loads a model and returns the number of its threads. */
  load(request: WorkerRequest, onTransfer: (transfer: Transfer) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#loading = (response) => {
        if (response.type === "transfer") onTransfer(response.transfer);
        else if (response.type === "ready") resolve(response.threads);
        else if (response.type === "failed") reject(new WorkerFailure(response.name, response.message));
      };
      this.#post(request);
    });
  }

  /**
   * Asks, yields the texts of an answer as they come, and returns the last response. Whoever stops reading aborts the answer.
   *
   * @param onText is called before each text is yielded
   */
  async *ask(
    question: WorkerQuestion,
    signal: AbortSignal | undefined,
    onText: () => void,
  ): AsyncGenerator<string, FinalResponse> {
    const id = this.#nextId++;
    const queue: WorkerResponse[] = [];
    let wake = (): void => {};
    this.#listeners.set(id, (response) => {
      queue.push(response);
      wake();
    });
    const stop = (): void => {
      this.#worker.postMessage({ type: "stop", id } satisfies WorkerRequest);
      wake();
    };
    signal?.addEventListener("abort", stop);
    let ended = false;
    try {
      this.#post({ ...question, id });
      for (;;) {
        signal?.throwIfAborted();
        const response = queue.shift();
        if (response === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else if (response.type === "text") {
          onText();
          yield response.text;
        } else {
          ended = true;
          if (response.type === "answer" || response.type === "attention") return response;
          if (response.type === "failed") throw new WorkerFailure(response.name, response.message);
        }
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#listeners.delete(id);
      if (!ended) stop();
    }
  }

  /** Terminates the worker; unanswered questions fail. */
  close(): void {
    this.#worker.terminate();
    this.#fail(new WorkerFailure("WorkerCrash", "The worker that runs the model was ended."));
  }

  #post(message: WorkerRequest): void {
    if (this.#failure === undefined) this.#worker.postMessage(message);
    else this.#fail(this.#failure);
  }

  #dispatch(response: WorkerResponse): void {
    if ("id" in response && response.id !== undefined) this.#listeners.get(response.id)?.(response);
    else this.#loading?.(response);
  }

  #fail(failure: WorkerFailure): void {
    this.#failure = failure;
    const response = { type: "failed", name: failure.name, message: failure.message } as const;
    this.#loading?.(response);
    for (const [id, listener] of this.#listeners) listener({ ...response, id });
  }
}
