import { type CountView, showCountProgress } from "./count-progress.ts";

/** Shows how many pictures have been checked, if that takes longer than a moment. */
export interface PictureProgress {
  /** Reports the progress of one file of rows. */
  readonly forFile: (file: string) => (done: number, all: number) => void;
  readonly end: () => void;
}

/** Milliseconds before anything is shown. */
const delay = 1000;

export function showPictureProgress(): PictureProgress {
  const began = performance.now();
  const files = new Map<string, readonly [number, number]>();
  let view: CountView | undefined;
  return {
    forFile: (file) => (done, all) => {
      files.set(file, [done, all]);
      if (performance.now() - began < delay) return;
      view ??= showCountProgress("pictures checked");
      const [sum, total] = [...files.values()].reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
      view.update(sum, total);
    },
    end: () => view?.end(),
  };
}
