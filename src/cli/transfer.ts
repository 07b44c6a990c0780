import { Presets, SingleBar } from "cli-progress";
import { duration } from "./progress.ts";

/** Shows how many bytes of something have come. */
export interface TransferView {
  /** So many bytes are there, and `name` is what is coming. */
  readonly tell: (bytes: number, name: string) => void;
  /** A sentence in between. */
  readonly say: (text: string) => void;
  readonly end: () => void;
}

/** A bar on a terminal, a line every few seconds and for every name elsewhere; on standard error, with rate and time left. */
export function showTransfer(totalBytes: number, present: number): TransferView {
  const rate = new Rate(present);
  return process.stderr.isTTY ? barView(totalBytes, present, rate) : lineView(totalBytes, rate);
}

/** `1.24 GB`, in decimal units as disks and networks are sold. */
export function byteCount(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power < 2 ? 0 : power - 1)} ${units[power]}`;
}

/** Bytes a second over the last ten seconds. */
class Rate {
  readonly #marks: { time: number; bytes: number }[];

  constructor(present: number) {
    this.#marks = [{ time: performance.now(), bytes: present }];
  }

  at(bytes: number): number {
    const time = performance.now();
    const marks = this.#marks;
    if (time - marks[marks.length - 1].time > 250) marks.push({ time, bytes });
    while (marks.length > 1 && time - marks[0].time > 10_000) marks.shift();
    const seconds = (time - marks[0].time) / 1000;
    // The first moments would promise hours or seconds by chance.
    return seconds > 1 ? Math.max(0, bytes - marks[0].bytes) / seconds : 0;
  }
}

function figures(bytes: number, totalBytes: number, rate: Rate): Record<string, string> {
  const perSecond = rate.at(bytes);
  return {
    done: byteCount(bytes),
    all: byteCount(totalBytes),
    rate: byteCount(perSecond),
    left: perSecond > 0 ? duration((totalBytes - bytes) / perSecond) : "-",
  };
}

function barView(totalBytes: number, present: number, rate: Rate): TransferView {
  const format = "{bar} {percentage} %  {done} of {all}  {rate}/s  {left} left  {name}";
  const bar = new SingleBar({ format, hideCursor: true }, Presets.shades_classic);
  bar.start(totalBytes, present, { ...figures(present, totalBytes, rate), name: "" });
  return {
    tell: (bytes, name) => bar.update(bytes, { ...figures(bytes, totalBytes, rate), name }),
    say: (name) => bar.update({ name }),
    end: () => bar.stop(),
  };
}

function lineView(totalBytes: number, rate: Rate): TransferView {
  const last = { time: 0, name: "" };
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const tell = (bytes: number, name: string): void => {
    const shown = figures(bytes, totalBytes, rate);
    const time = performance.now();
    if (time - last.time < 5000 && name === last.name && bytes < totalBytes) return;
    Object.assign(last, { time, name });
    say(`${name}  ${shown.done} of ${shown.all}  ${shown.rate}/s  ${shown.left} left`);
  };
  return { tell, say, end: () => undefined };
}
