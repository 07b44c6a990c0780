/** Which gradients of a buffer a backward pass has written for good, so that they can be sent while it goes on. */
export class WrittenGradients {
  readonly #written = new Set<string>();
  #waiting: { readonly names: readonly string[]; readonly goOn: () => void }[] = [];

  /** Tells of parameters whose gradients stay as they are from now on. */
  add(names: readonly string[]): void {
    for (const name of names) this.#written.add(name);
    const ready = this.#waiting.filter((one) => this.#has(one.names));
    this.#waiting = this.#waiting.filter((one) => !ready.includes(one));
    for (const { goOn } of ready) goOn();
  }

  /** Waits until the gradients of all these parameters are written; for ever where the backward pass fails. */
  all(names: readonly string[]): Promise<void> {
    if (this.#has(names)) return Promise.resolve();
    return new Promise((goOn) => this.#waiting.push({ names, goOn }));
  }

  #has(names: readonly string[]): boolean {
    return names.every((name) => this.#written.has(name));
  }
}
