import { TemplateError } from "./error.ts";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = [
  ...["January", "February", "March", "April", "May", "June", "July", "August"],
  ...["September", "October", "November", "December"],
];

const two = (value: number): string => String(value).padStart(2, "0");

const codes: Readonly<Record<string, (time: Date) => string>> = {
  "%": () => "%",
  a: (time) => days[time.getDay()].slice(0, 3),
  A: (time) => days[time.getDay()],
  b: (time) => months[time.getMonth()].slice(0, 3),
  B: (time) => months[time.getMonth()],
  d: (time) => two(time.getDate()),
  e: (time) => String(time.getDate()).padStart(2, " "),
  H: (time) => two(time.getHours()),
  I: (time) => two(time.getHours() % 12 || 12),
  j: (time) => String(dayOfYear(time)).padStart(3, "0"),
  m: (time) => two(time.getMonth() + 1),
  M: (time) => two(time.getMinutes()),
  p: (time) => (time.getHours() < 12 ? "AM" : "PM"),
  S: (time) => two(time.getSeconds()),
  w: (time) => String(time.getDay()),
  y: (time) => two(time.getFullYear() % 100),
  Y: (time) => String(time.getFullYear()),
  F: (time) => strftime(time, "%Y-%m-%d"),
  T: (time) => strftime(time, "%H:%M:%S"),
  D: (time) => strftime(time, "%m/%d/%y"),
  R: (time) => strftime(time, "%H:%M"),
  z: () => "",
  Z: () => "",
};

/**
 * A local time as `datetime.strftime` of Python writes it, in the C locale.
 *
 * @throws TemplateError for a code that is not known
 */
export function strftime(time: Date, format: string): string {
  return format.replace(/%(-?)(.?)/gs, (code, dash, letter) => {
    const write = codes[letter];
    if (write === undefined) throw new TemplateError(`strftime_now: ${code} is not computed here`);
    return dash === "" ? write(time) : write(time).replace(/^[ 0]+(?=.)/, "");
  });
}

function dayOfYear(time: Date): number {
  const [year, month, day] = [time.getFullYear(), time.getMonth(), time.getDate()];
  return Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1;
}
