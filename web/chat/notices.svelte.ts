export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly kind: "info" | "problem";
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

const millisecondsOnView = 7000;

/** Short words at the page's edge. Problems stay until they are closed. */
class Notices {
  list = $state.raw<readonly Notice[]>([]);
  #next = 0;

  tell(text: string, action?: Notice["action"]): void {
    const id = this.#add(text, "info", action);
    setTimeout(() => this.close(id), millisecondsOnView);
  }

  problem(text: string, action?: Notice["action"]): void {
    if (!this.list.some((notice) => notice.text === text)) this.#add(text, "problem", action);
  }

  close(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(text: string, kind: Notice["kind"], action: Notice["action"]): number {
    const id = this.#next++;
    this.list = [...this.list, { id, text, kind, action }].slice(-3);
    return id;
  }
}

export const notices = new Notices();
