/** Lines of a document between which a command writes; all else is a person's. */
export interface Marks {
  readonly begin: string;
  readonly end: string;
}

/** The marks of what a command writes. */
export const marksOf = (command: string): Marks => ({
  begin: `<!-- written by ${command} -->`,
  end: "<!-- end of what is written by the command -->",
});

/**
 * A document with something new between its marks.
 *
 * @param where what it is, for messages
 * @throws if it has not both marks, in their order
 */
export function withMarkedPart(document: string, { begin, end }: Marks, part: string, where: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(
      `${where}: must have the lines "${begin}" and "${end}", and has not; put them back where the figures go`,
    );
  return `${document.slice(0, from + begin.length)}\n\n${part}\n\n${document.slice(to)}`;
}
