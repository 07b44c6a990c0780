import { positionOf, tokensOf } from "./words.ts";

/** How a form is told, and what is left of an answer that has it. */
interface Form {
  has(answer: string): boolean;
  /** The plain answer, to be judged like any other; absent where the whole answer must be the true one. */
  readonly decode?: (answer: string) => string;
}

const bare = (answer: string): string => answer.trim().replace(/[.!]+$/, "");
const words = (answer: string): string[] => bare(answer).split(/\s+/).filter(Boolean);
const halves = (answer: string): [string, string] => {
  const all = tokensOf(answer);
  const middle = all.length / 2;
  return [all.slice(0, middle).join(" "), all.slice(middle).join(" ")];
};

function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer.trim().replace(/\.$/, "")) as unknown;
  } catch {
    return undefined;
  }
}

/** Sentences of the answers begin with these: so a reversed one ends with them. */
const BEGINNINGS = ["this is", "these are", "there is", "there are", "the", "it is"];

const FORMS: Readonly<Record<string, Form>> = {
  "one word": { has: (answer) => words(answer).length === 1 },
  "two words": { has: (answer) => words(answer).length === 2 },
  capitals: { has: (answer) => /[A-Z]/.test(answer) && !/[a-z]/.test(answer) },
  digit: { has: (answer) => /^\d+$/.test(bare(answer)) },
  sentence: { has: (answer) => words(answer).length >= 3, decode: (answer) => answer },
  reverse: {
    has: (answer) => {
      const straight = words(answer).reverse().join(" ");
      return words(answer).length > 1 && BEGINNINGS.some((start) => straight.startsWith(`${start} `));
    },
  },
  sure: { has: (answer) => /^sure: ?\S/.test(answer.trim()), decode: (answer) => answer.trim().slice(5) },
  ok: {
    has: (answer) => /\S.*\bok\.?$/.test(answer.trim()),
    decode: (answer) => answer.trim().replace(/\bok\.?$/, ""),
  },
  quotes: { has: (answer) => /^"[^"]+"$/.test(bare(answer)) },
  twice: { has: (answer) => halves(answer)[0] !== "" && halves(answer)[0] === halves(answer)[1] },
  spell: { has: (answer) => /^[a-z]([,\s-]+[a-z])+$/.test(bare(answer)) },
  "first letter": { has: (answer) => /^"?[a-z]"?$/i.test(bare(answer)) },
  "yes or no": { has: (answer) => /^(yes|no)$/.test(bare(answer)) },
  list: { has: (answer) => /^1\. \S/.test(answer.trim()) },
  json: { has: (answer) => parsed(answer) instanceof Object },
};

/** How an answer to an order of form fares. */
export interface FormJudgement {
  readonly inForm: boolean;
  /** Whether it says the same as the true answer. */
  readonly isTrue: boolean;
  /** The answer and the true one without the form, where that is what is judged. */
  readonly plain?: { readonly answer: string; readonly truth: string };
}

/** Whether an answer has the form that was ordered, and whether it is the true one. */
export function answerInForm(form: string, truth: string, answer: string): FormJudgement {
  const { has, decode } = formNamed(form);
  const inForm = has(answer);
  if (decode === undefined || !inForm) return { inForm, isTrue: inForm && isSame(form, truth, answer) };
  return { inForm, isTrue: true, plain: { answer: decode(answer), truth: decode(truth) } };
}

function formNamed(form: string): Form {
  const known = FORMS[form];
  if (known === undefined)
    throw new Error(
      `forms: a form must be one of ${Object.keys(FORMS).join(", ")}, got "${form}"; add how it is told`,
    );
  return known;
}

function isSame(form: string, truth: string, answer: string): boolean {
  if (form === "json") return canonicalJson(parsed(truth)) === canonicalJson(parsed(answer));
  if (form === "list") {
    const items = (text: string): string[] => text.split(/\d+\. /).map((item) => tokensOf(item).join(" "));
    return items(truth).sort().join("|") === items(answer).sort().join("|");
  }
  // A letter is a letter, and no article.
  if (form === "first letter")
    return bare(answer).replaceAll('"', "").toLowerCase() === bare(truth).replaceAll('"', "").toLowerCase();
  const plain = (text: string): string[] => tokensOf(text.replaceAll('"', "").toLowerCase());
  const [wanted, got] = [plain(truth), plain(answer)];
  return wanted.length === got.length && positionOf(wanted, got) === 0;
}

/** Neither the order of keys counts nor that of things in a list. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (Array.isArray(part)) return part.map(canonicalJson).sort();
    if (!(part instanceof Object)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
