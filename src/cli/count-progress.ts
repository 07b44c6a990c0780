import { Presets, SingleBar } from "cli-progress";
import { formatDuration } from "../primitives/index.ts";

/** A progress display for a known number of items. */
export interface CountView {
  readonly update: (done: number, all: number) => void;
  readonly end: () => void;
}

/**
 * A progress bar on a terminal, otherwise a line every few seconds; on standard error.
 *
 * @param unit what is counted, such as `questions`
 */
export function showCountProgress(unit: string): CountView {
  const pace = new Pace();
  return process.stderr.isTTY ? barView(unit, pace) : lineView(unit, pace);
}

/** Estimates the time left from the progress since the first call. */
class Pace {
  #start: { readonly time: number; readonly done: number } | undefined;

  left(done: number, all: number): string {
    this.#start ??= { time: performance.now(), done };
    const seconds = (performance.now() - this.#start.time) / 1000;
    const fresh = done - this.#start.done;
    return fresh > 0 ? formatDuration((seconds / fresh) * (all - done)) : "-";
  }
}

function barView(unit: string, pace: Pace): CountView {
  const format = `{bar} {value} of {total} ${unit}  {left} left`;
  const bar = new SingleBar({ format, hideCursor: true }, Presets.shades_classic);
  let isStarted = false;
  return {
    update: (done, all) => {
      if (!isStarted) bar.start(all, done, { left: pace.left(done, all) });
      else bar.update(done, { left: pace.left(done, all) });
      isStarted = true;
    },
    end: () => bar.stop(),
  };
}

function lineView(unit: string, pace: Pace): CountView {
  let last = Number.NEGATIVE_INFINITY;
  return {
    update: (done, all) => {
      const left = pace.left(done, all);
      const time = performance.now();
      if (time - last < 5000 && done < all) return;
      last = time;
      process.stderr.write(`${done} of ${all} ${unit}  ${left} left\n`);
    },
    end: () => undefined,
  };
}
