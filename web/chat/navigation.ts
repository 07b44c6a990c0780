/** Something that lies over the page, or beside it, until it is closed. */
interface Layer {
  readonly close: () => void;
}

const longestWait = 1000;

/**
 * What the browser's Back does: it closes what is open, and then goes to the conversation before. Whatever opens makes
 * an entry of the browser's history, which is gone back over when it is closed by other means.
 */
class Navigation {
  /** Shows the conversation of an address; an empty name is a new one. */
  onAddress: (id: string) => void = () => {};
  readonly #layers: Layer[] = [];
  #steps: Promise<void> = Promise.resolve();
  #arrived: (() => void) | undefined;

  listen(): () => void {
    const onPopState = ({ state }: PopStateEvent): void => this.#onPopState(depthOf(state));
    addEventListener("popstate", onPopState);
    return () => removeEventListener("popstate", onPopState);
  }

  /**
   * Something has been opened that Back is to close.
   *
   * @param close closes it
   * @returns what is called when it was closed, by Back or otherwise
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
      if (location.hash.slice(1) === id) return;
      const url = id === "" ? location.pathname + location.search : `#${id}`;
      if (isSame) history.replaceState({ depth }, "", url);
      else history.pushState({ depth }, "", url);
    });
  }

  #onPopState(depth: number): void {
    if (this.#arrived !== undefined) {
      this.#arrived();
      return;
    }
    if (this.#layers.length > depth) {
      for (const { close } of this.#layers.splice(depth).reverse()) close();
      return;
    }
    this.onAddress(location.hash.slice(1));
  }

  #step(step: () => void | Promise<void>): void {
    this.#steps = this.#steps.then(step);
  }

  #back(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = () => {
        this.#arrived = undefined;
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(this.#arrived, longestWait);
      history.go(-count);
    });
  }
}

function depthOf(state: unknown): number {
  if (typeof state !== "object" || state === null || !("depth" in state)) return 0;
  return typeof state.depth === "number" ? state.depth : 0;
}

export const navigation = new Navigation();
