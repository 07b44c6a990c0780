import { normalForm, withoutAccents } from "./normal-form.ts";
import { expressionOf, notComputed, type Pattern, type Step } from "./step.ts";

/** Changes a text before it is cut into words. */
export type Normalizer = (text: string) => string;

const forms = ["NFC", "NFD", "NFKC", "NFKD"] as const;
const whitespace = "\\p{White_Space}+";
const leading = new RegExp(`^${whitespace}`, "u");
const trailing = new RegExp(`${whitespace}$`, "u");

/**
 * The section `normalizer` of a tokenizer.json.
 *
 * @throws TokenizerError naming a kind that is not computed
 */
export function normalizerOf(step: Step | null): Normalizer {
  if (step === null) return (text) => text;
  const form = forms.find((one) => one === step.type);
  if (form !== undefined) return (text) => normalForm(text, form);
  switch (step.type) {
    case "Sequence": {
      const all = (step.normalizers as readonly Step[]).map(normalizerOf);
      return (text) => all.reduce((changed, normalize) => normalize(changed), text);
    }
    case "Prepend":
      return (text) => (text === "" ? text : `${step.prepend}${text}`);
    case "Replace": {
      const pattern = expressionOf(step.pattern as Pattern);
      const content = String(step.content ?? "");
      return (text) => text.replace(pattern, () => content);
    }
    case "Lowercase":
      // Letter by letter: a sigma at a word's end is as any other.
      return (text) => text.replace(/\P{ASCII}|[A-Z]+/gu, (letters) => letters.toLowerCase());
    case "Strip":
      return (text) => {
        const left = step.strip_left === false ? text : text.replace(leading, "");
        return step.strip_right === false ? left : left.replace(trailing, "");
      };
    case "StripAccents":
      return withoutAccents;
    default:
      throw notComputed("normalizer", step);
  }
}
