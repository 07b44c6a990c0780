export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly kind: "info" | "problem";
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

const millisecondsOnView = 7000;
/** Of one with an action: long enough to get to its button by keys. */
const millisecondsWithAction = 20_000;

/** Short words at the page's edge. Problems stay until they are closed. */
class Notices {
  list = $state.raw<readonly Notice[]>([]);
  /** Whether the pointer or focus is on them: then none goes away by itself. */
  isPaused: () => boolean = () => false;
  #next = 0;

  info(text: string, action?: Notice["action"]): void {
    const id = this.#add(text, "info", action);
    this.#closeAfter(id, action === undefined ? millisecondsOnView : millisecondsWithAction);
  }

  problem(text: string, action?: Notice["action"]): void {
    if (!this.list.some((notice) => notice.text === text)) this.#add(text, "problem", action);
  }

  /** Runs the action of the latest notice that has one. */
  runAction(): void {
    const notice = this.list.findLast(({ action }) => action !== undefined);
    if (notice === undefined) return;
    this.close(notice.id);
    notice.action?.run();
  }

  close(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #closeAfter(id: number, milliseconds: number): void {
    setTimeout(() => {
      if (this.isPaused()) this.#closeAfter(id, millisecondsOnView);
      else this.close(id);
    }, milliseconds);
  }

  #add(text: string, kind: Notice["kind"], action: Notice["action"]): number {
    const id = this.#next++;
    this.list = [...this.list, { id, text, kind, action }].slice(-3);
    return id;
  }
}

export const notices = new Notices();
