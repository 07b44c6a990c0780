/** A number in few digits: `0.0123`, `1.2e-5`, `12,345`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) return value.toExponential(1);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(4)));
}

const threeDigits = (value: number): string => String(Number(value.toPrecision(3)));

/** `386 MiB`, `1.5 GiB` */
export function byteCount(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${threeDigits(mebibytes)} MiB` : `${threeDigits(mebibytes / 1024)} GiB`;
}

/** `25 ms`, `1.5 s`; less than a tenth of a millisecond is none. */
export function secondsOf(value: number): string {
  if (value >= 1) return `${threeDigits(value)} s`;
  return value < 1e-4 ? "0 ms" : `${threeDigits(1000 * value)} ms`;
}
