/** Fields whose values are the client's own data, in which null may stand for itself. */
const data: ReadonlySet<string> = new Set(["schema"]);

/**
 * JSON without the fields that are null: in OpenAI's protocol null says that nothing is given, and clients that hand
 * back what they were answered write it for everything that was not there. What stands in lists stays, and so do
 * schemas.
 */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const given = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(given.map(([key, one]) => [key, data.has(key) ? one : withoutNulls(one)]));
}
