/**
 * Cuts a growing text into whole sentences or lines for a screen reader, so that it neither reads single tokens nor waits for the
 * end.
 */
export class SentenceFeed {
  #told = 0;

  /**
   * What is new and whole; empty if nothing is.
   *
   * @param text all of the text so far
   * @param isComplete it will not grow any more
   */
  next(text: string, isComplete: boolean): string {
    const fresh = text.slice(this.#told);
    const ends = [...fresh.matchAll(/[.!?…:]["')\]]*\s|\n/g)];
    const last = ends.at(-1);
    const length = isComplete ? fresh.length : last === undefined ? 0 : last.index + last[0].length;
    this.#told += length;
    return fresh.slice(0, length).trim();
  }
}
