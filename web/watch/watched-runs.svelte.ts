import type { TrainingEvent } from "../../src/training/index.ts";
import { RunHistory } from "./run-history.ts";

/** A run of the list, with what has been read of it. */
export interface ListedRun {
  readonly id: string;
  readonly name: string;
  /** The number of its color, from 0 on. */
  readonly color: number;
  readonly isShown: boolean;
  readonly history: RunHistory;
}

/** What the server tells of a run. */
interface FoundRun {
  readonly id: string;
  readonly name: string;
  /** When its log was written last, in milliseconds. */
  readonly modified: number;
}

interface LogPart {
  readonly events: readonly TrainingEvent[];
  readonly next: number;
  readonly hasMore: boolean;
  readonly isAnew: boolean;
}

/** Runs that are shown from the start: those that were written last. */
const shownAtFirst = 4;

const colors = 8;

const millisecondsBetween = 500;
/** Where the server does not answer, or not as it should. */
const millisecondsAfterProblem = 1000;

/** The server does not answer at all. */
class Silence extends Error {}

/** The runs of a server, which is asked again and again for what is new. */
export class WatchedRuns {
  /** Replaced as a whole when anything has changed. */
  list = $state.raw<readonly ListedRun[]>([]);
  /** Where the server looks for runs. */
  places = $state.raw<readonly string[]>([]);
  problem = $state<string | undefined>();
  /** Whether the server has ended, as far as can be seen. */
  isAlone = $state(false);
  now = $state(Date.now());
  readonly #next = new Map<string, number>();
  readonly #chosen = new Map<string, boolean>();

  get shown(): readonly ListedRun[] {
    return this.list.filter(({ isShown }) => isShown);
  }

  show(id: string, isShown: boolean): void {
    this.#chosen.set(id, isShown);
    this.list = this.list.map((run) => (run.id === id ? { ...run, isShown } : run));
  }

  /** Asks until the returned function is called; not while nobody sees the page. */
  follow(): () => void {
    let isOver = false;
    const ask = async (): Promise<void> => {
      while (!isOver) {
        if (!document.hidden) {
          await this.#ask().then(
            () => {
              this.problem = undefined;
              this.isAlone = false;
            },
            (error: unknown) => {
              this.isAlone = error instanceof Silence;
              this.problem = this.isAlone
                ? undefined
                : error instanceof Error
                  ? error.message
                  : String(error);
            },
          );
        }
        this.now = Date.now();
        const isWell = this.problem === undefined && !this.isAlone;
        const pause = isWell ? millisecondsBetween : millisecondsAfterProblem;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    };
    void ask();
    return () => {
      isOver = true;
    };
  }

  async #ask(): Promise<void> {
    const { runs, places } = await get<{ runs: FoundRun[]; places: string[] }>("watch/runs");
    this.places = places;
    const newest = runs.toSorted((a, b) => b.modified - a.modified).slice(0, shownAtFirst);
    const known = new Map(this.list.map((run) => [run.id, run]));
    for (const { id } of runs) {
      if (!this.#chosen.has(id))
        this.#chosen.set(id, this.list.length > 0 || newest.some((one) => one.id === id));
    }
    const isSame = runs.length === known.size && runs.every(({ id }) => known.has(id));
    if (!isSame) {
      this.list = runs.map(
        ({ id, name }, i) =>
          known.get(id) ?? {
            id,
            name,
            color: i % colors,
            isShown: this.#chosen.get(id) ?? false,
            history: new RunHistory(),
          },
      );
    }
    for (const { id } of this.shown) await this.#read(id);
  }

  /** Reads what a run's log has got since the last time. */
  async #read(id: string): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      const address = `watch/log?run=${encodeURIComponent(id)}&from=${this.#next.get(id) ?? 0}`;
      const part = await get<LogPart>(address);
      hasMore = part.hasMore;
      this.#next.set(id, part.next);
      if (part.events.length === 0 && !part.isAnew) return;
      this.list = this.list.map((run) => {
        if (run.id !== id) return run;
        const history = part.isAnew ? new RunHistory() : run.history;
        for (const event of part.events) history.add(event);
        return { ...run, history };
      });
    }
  }
}

async function get<T>(address: string): Promise<T> {
  const response = await fetch(address).catch(() => {
    throw new Silence();
  });
  if (response.ok) return (await response.json()) as T;
  const body: unknown = await response.json().catch(() => undefined);
  const said = (body as { error?: { message?: unknown } } | undefined)?.error?.message;
  throw new Error(
    typeof said === "string" ? said : `The server answered ${response.status}; is it \`owl watch\`?`,
  );
}

/** The address of a picture of a run's questions. */
export function pictureAddress(id: string, name: string): string {
  return `watch/picture?run=${encodeURIComponent(id)}&name=${encodeURIComponent(name)}`;
}
