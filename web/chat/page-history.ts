/** A dialog or panel that Back closes. */
interface Layer {
  readonly close: () => void;
}

/**
 * Milliseconds until a step back is held to be refused by the browser. A busy machine takes seconds for one; its late event
 * would be taken for a press of Back, and close what was opened meanwhile.
 */
const longestWait = 10_000;

/**
 * The browser's Back button: it closes open layers, then leads to the previous conversation. An opened layer pushes an entry
 * onto the browser's history, which is popped when the layer is closed by other means.
 */
class PageHistory {
  /** Shows the conversation of an address; an empty name is a new one. */
  onAddress: (id: string) => void = () => {};
  readonly #layers: Layer[] = [];
  #steps: Promise<void> = Promise.resolve();
  #arrived: (() => void) | undefined;
  /** The name of the conversation on view. */
  #id = "";

  listen(): () => void {
    // What was open before the page was loaded again is closed.
    this.#id = location.hash.slice(1);
    this.#write(this.#id);
    const onPopState = ({ state }: PopStateEvent): void => this.#onPopState(depthOf(state));
    addEventListener("popstate", onPopState);
    return () => removeEventListener("popstate", onPopState);
  }

  /**
   * Something has been opened that Back is to close.
   *
   * @param close closes it
   * @returns must be called when it was closed, by Back or otherwise
   */
  opened(close: () => void): () => void {
    const layer: Layer = { close };
    this.#layers.push(layer);
    const depth = this.#layers.length;
    this.#step(() => history.pushState({ depth }, ""));
    return () => {
      const index = this.#layers.indexOf(layer);
      if (index < 0) return;
      const count = this.#layers.length - index;
      for (const { close } of this.#layers.splice(index).slice(1).reverse()) close();
      this.#step(() => this.#back(count));
    };
  }

  /**
   * Writes a conversation's name into the address.
   *
   * @param isSame it is the conversation that was on view: then there is nothing to go back to
   */
  address(id: string, isSame: boolean): void {
    const depth = this.#layers.length;
    this.#step(() => {
      this.#id = id;
      if (location.hash.slice(1) === id) return;
      if (isSame) this.#write(id, depth);
      else history.pushState({ depth }, "", urlOf(id));
    });
  }

  /** Another conversation may have come on view while something was open: the entry below names the one before. */
  #restore(): void {
    if (location.hash.slice(1) !== this.#id) this.#write(this.#id);
  }

  #write(id: string, depth = this.#layers.length): void {
    history.replaceState({ depth }, "", urlOf(id));
  }

  #onPopState(depth: number): void {
    if (this.#arrived !== undefined) {
      this.#arrived();
      return;
    }
    if (this.#layers.length > depth) {
      for (const { close } of this.#layers.splice(depth).reverse()) close();
      this.#restore();
      return;
    }
    this.#id = location.hash.slice(1);
    // Forward to what was closed: nothing opens, and the next Back must not close less than what is open then.
    if (depth > this.#layers.length) this.#write(this.#id);
    this.onAddress(this.#id);
  }

  #step(step: () => void | Promise<void>): void {
    // A browser may refuse a page that writes its history too often: the next step is not to blame.
    this.#steps = this.#steps.then(step).catch(() => undefined);
  }

  #back(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = () => {
        this.#arrived = undefined;
        clearTimeout(timer);
        this.#restore();
        resolve();
      };
      const timer = setTimeout(this.#arrived, longestWait);
      history.go(-count);
    });
  }
}

function urlOf(id: string): string {
  return id === "" ? location.pathname + location.search : `#${id}`;
}

function depthOf(state: unknown): number {
  if (typeof state !== "object" || state === null || !("depth" in state)) return 0;
  return typeof state.depth === "number" ? state.depth : 0;
}

export const pageHistory = new PageHistory();
