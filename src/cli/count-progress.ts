import { Presets, SingleBar } from "cli-progress";
import { duration } from "./progress.ts";

/** Shows how many of a known number of things are done. */
export interface CountView {
  readonly tell: (done: number, all: number) => void;
  readonly end: () => void;
}

/**
 * A bar on a terminal, a line every few seconds elsewhere; on standard error.
 *
 * @param things what is counted, such as `questions`
 */
export function showCount(things: string): CountView {
  const pace = new Pace();
  return process.stderr.isTTY ? barView(things, pace) : lineView(things, pace);
}

/** Guesses the time left from what has been done since the first call. */
class Pace {
  #start: { readonly time: number; readonly done: number } | undefined;

  left(done: number, all: number): string {
    this.#start ??= { time: performance.now(), done };
    const seconds = (performance.now() - this.#start.time) / 1000;
    const fresh = done - this.#start.done;
    return fresh > 0 ? duration((seconds / fresh) * (all - done)) : "-";
  }
}

function barView(things: string, pace: Pace): CountView {
  const format = `{bar} {value} of {total} ${things}  {left} left`;
  const bar = new SingleBar({ format, hideCursor: true }, Presets.shades_classic);
  let isStarted = false;
  return {
    tell: (done, all) => {
      if (!isStarted) bar.start(all, done, { left: pace.left(done, all) });
      else bar.update(done, { left: pace.left(done, all) });
      isStarted = true;
    },
    end: () => bar.stop(),
  };
}

function lineView(things: string, pace: Pace): CountView {
  let last = Number.NEGATIVE_INFINITY;
  return {
    tell: (done, all) => {
      const left = pace.left(done, all);
      const time = performance.now();
      if (time - last < 5000 && done < all) return;
      last = time;
      process.stderr.write(`${done} of ${all} ${things}  ${left} left\n`);
    },
    end: () => undefined,
  };
}
