/** Characters of what a person gave that an error repeats. */
const most = 200;

/** What a person gave, as an error repeats it: the beginning and the length where it is long. */
export function shortened(text: string, longest = most): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest / 2)}… (${text.length.toLocaleString("en")} characters)`;
}

/** Any value in a few words, for an error that names what it got. */
export function described(value: unknown): string {
  if (typeof value === "string") return value === "" ? "an empty text" : JSON.stringify(shortened(value, 80));
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  const name = typeof value.constructor === "function" ? value.constructor.name : "";
  if (name === "" || name === "Object") return "an object";
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${shortened(name, 80)}`;
}
