import type { ShownRow } from "../recipes/index.ts";

/** Whether standard output shows colors: a terminal whose user did not ask for none (no-color.org). */
export function isColored(): boolean {
  return process.stdout.isTTY === true && (process.env.NO_COLOR ?? "") === "";
}

const green = (text: string): string => `\u001b[32m${text}\u001b[39m`;

/** Signs that a terminal would obey, but for ends of lines, are shown as their codes. */
const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (sign) =>
    /[\n\t]/.test(sign) ? sign : `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );

/** A row as the model will see it: its name and counts, then its text; or what is wrong with it. */
export function rowLines(
  { name, problems, parts, turnsLeftOut, isCut }: ShownRow,
  colored: boolean,
): string[] {
  if (problems.length > 0)
    return [`${name}: cannot be learned`, ...problems.map((problem) => `  ${printable(problem)}`)];
  const count = (learned: boolean): number =>
    parts.reduce((sum, part) => sum + (part.isLearned || !learned ? part.tokens : 0), 0);
  const counts = [
    // The last one is only a target.
    `${count(false) - 1} tokens`,
    `${count(true)} learned`,
    ...(turnsLeftOut > 0
      ? [`the oldest ${turnsLeftOut === 1 ? "turn" : `${turnsLeftOut} turns`} left out`]
      : []),
    ...(isCut ? ["cut at the end"] : []),
  ];
  const text = parts.map(({ kind, text, tokens, isLearned }) => {
    if (kind !== "text") return `⟨${kind === "image" ? "picture" : "video"}, ${tokens} tokens⟩`;
    const shown = printable(text);
    if (!isLearned) return shown;
    return colored ? green(shown) : `⟦${shown}⟧`;
  });
  return [
    `${name}: ${counts.join(", ")}`,
    ...text
      .join("")
      .split("\n")
      .map((line) => `  ${line}`),
  ];
}
