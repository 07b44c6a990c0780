/** The lines of a text, trimmed, empty ones left out. */
export function lines(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The same, several on a line with " | " between them. */
export function phrases(text: string): string[] {
  return lines(text).flatMap((line) => line.split(" | "));
}
