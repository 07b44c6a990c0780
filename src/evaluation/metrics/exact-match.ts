/**
 * A text as exact match compares it: lower case, without punctuation and English articles, spaces as one (Rajpurkar et
 * al., SQuAD, 2016).
 */
export function normalizedText(text: string): string {
  return text
    .toLowerCase()
    .replace(/\p{P}/gu, "")
    .replace(/\b(?:a|an|the)\b/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** Whether an answer is one of the references, after {@link normalizedText}. */
export function exactMatch(answer: string, references: readonly string[]): boolean {
  const given = normalizedText(answer);
  return references.some((reference) => normalizedText(reference) === given);
}
