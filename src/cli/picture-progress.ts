import { type CountView, showCount } from "./count-progress.ts";

/** Shows how many pictures have been checked, if that takes longer than a moment. */
export interface PictureProgress {
  /** Reports the progress of one file of rows. */
  readonly of: (file: string) => (done: number, all: number) => void;
  readonly end: () => void;
}

const moment = 1000;

export function showPictures(): PictureProgress {
  const began = performance.now();
  const files = new Map<string, readonly [number, number]>();
  let view: CountView | undefined;
  return {
    of: (file) => (done, all) => {
      files.set(file, [done, all]);
      if (performance.now() - began < moment) return;
      view ??= showCount("pictures looked at");
      const [sum, total] = [...files.values()].reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
      view.tell(sum, total);
    },
    end: () => view?.end(),
  };
}
