import { Presets, SingleBar } from "cli-progress";
import { formatDuration } from "../primitives/index.ts";

/** A progress display for a known number of bytes. */
export interface TransferView {
  /** `bytes` are done in all; `name` is the file under way. */
  readonly update: (bytes: number, name: string) => void;
  /** Shows a sentence: beside the bar on a terminal, otherwise a line. */
  readonly log: (text: string) => void;
  readonly end: () => void;
}

/**
 * A progress bar on a terminal, otherwise a line every few seconds and for every file; on standard error, with rate and time left.
 *
 * @param present bytes that were there before, which count as done but not for the rate
 */
export function showTransferProgress(totalBytes: number, present: number): TransferView {
  const rate = new Rate(present);
  return process.stderr.isTTY ? barView(totalBytes, present, rate) : lineView(totalBytes, rate);
}

/** `1.24 GB`, in decimal units as disks and networks are sold. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power < 2 ? 0 : power - 1)} ${units[power]}`;
}

/** Bytes a second over the last ten seconds. */
class Rate {
  readonly #samples: { time: number; bytes: number }[];

  constructor(present: number) {
    this.#samples = [{ time: performance.now(), bytes: present }];
  }

  at(bytes: number): number {
    const time = performance.now();
    const samples = this.#samples;
    if (time - samples[samples.length - 1].time > 250) samples.push({ time, bytes });
    while (samples.length > 1 && time - samples[0].time > 10_000) samples.shift();
    const seconds = (time - samples[0].time) / 1000;
    // Within the first second the rate is too noisy to predict the time left.
    return seconds > 1 ? Math.max(0, bytes - samples[0].bytes) / seconds : 0;
  }
}

function figures(bytes: number, totalBytes: number, rate: Rate): Record<string, string> {
  const perSecond = rate.at(bytes);
  return {
    done: formatBytes(bytes),
    all: formatBytes(totalBytes),
    rate: formatBytes(perSecond),
    left: perSecond > 0 ? formatDuration((totalBytes - bytes) / perSecond) : "-",
  };
}

function barView(totalBytes: number, present: number, rate: Rate): TransferView {
  const format = "{bar} {percentage} %  {done} of {all}  {rate}/s  {left} left  {name}";
  const bar = new SingleBar({ format, hideCursor: true }, Presets.shades_classic);
  bar.start(totalBytes, present, { ...figures(present, totalBytes, rate), name: "" });
  return {
    update: (bytes, name) => bar.update(bytes, { ...figures(bytes, totalBytes, rate), name }),
    log: (name) => bar.update({ name }),
    end: () => bar.stop(),
  };
}

function lineView(totalBytes: number, rate: Rate): TransferView {
  const last = { time: 0, name: "" };
  const log = (text: string): void => void process.stderr.write(`${text}\n`);
  const update = (bytes: number, name: string): void => {
    const shown = figures(bytes, totalBytes, rate);
    const time = performance.now();
    if (time - last.time < 5000 && name === last.name && bytes < totalBytes) return;
    Object.assign(last, { time, name });
    log(`${name}  ${shown.done} of ${shown.all}  ${shown.rate}/s  ${shown.left} left`);
  };
  return { update, log, end: () => undefined };
}
