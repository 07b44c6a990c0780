import { inWords, NUMBERS } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask, type WordingKind } from "../wordings.ts";
import { type Content, plainly } from "./forms.ts";

interface Sum {
  readonly word: "plus" | "minus" | "times";
  readonly a: number;
  readonly b: number;
  readonly result: number;
}

function sumOf({ random }: Telling): Sum {
  const word = random.pick(["plus", "plus", "minus", "times"] as const);
  if (word === "times") {
    const a = random.integer(11);
    const most = random.chance(0.7) ? 30 : 90;
    const b = random.integer(Math.min(10, Math.floor(most / Math.max(1, a))) + 1);
    return random.chance(0.5) ? { word, a, b, result: a * b } : { word, a: b, b: a, result: a * b };
  }
  const a = random.integer(21);
  if (word === "minus") {
    const b = random.integer(a + 1);
    return { word, a, b, result: a - b };
  }
  const b = random.integer(11);
  return random.chance(0.5) ? { word, a, b, result: a + b } : { word, a: b, b: a, result: a + b };
}

const SIGNS = { plus: "+", minus: "-", times: "x" } as const;

/** "what is two plus three?", "2 + 3 = ?" */
export function sumTurn(telling: Telling): AskedTurn[] {
  const sum = sumOf(telling);
  const { word, a, b, result } = sum;
  const dice = telling.random.next();
  if (dice < 0.35) {
    const asked = ask(`${word}Signs`, telling, { A: `${a}`, B: `${b}` });
    return [turnOf("skill", asked, `${a} ${SIGNS[word]} ${b} = ${result}.`, [`= ${result}`])];
  }
  const say = dice < 0.5 ? (n: number) => `${n}` : inWords;
  const asked = ask(word, telling, { A: say(a), B: say(b) });
  return [turnOf("skill", asked, `${say(a)} ${word} ${say(b)} is ${say(result)}.`, [`is ${say(result)}`])];
}

/** A sum whose answer may have to have a form. */
export function sumContent(telling: Telling): Content {
  const { word, a, b, result } = sumOf(telling);
  return {
    asked: plainly(word, telling, { A: inWords(a), B: inWords(b) }),
    word: inWords(result),
    phrase: inWords(result),
    sentence: `${inWords(a)} ${word} ${inWords(b)} is ${inWords(result)}`,
    number: result,
  };
}

/** "which is larger, five or nine?", "is five more than nine?" */
export function compareTurn(telling: Telling): AskedTurn[] {
  const { random } = telling;
  const say = random.chance(0.5) ? inWords : (n: number) => `${n}`;
  const a = random.integer(100);
  const b = random.chance(0.5) ? random.integer(100) : Math.min(99, Math.max(0, a - 5 + random.integer(11)));
  if (a === b) return [];
  const fills = { A: say(a), B: say(b) };
  if (random.chance(0.4)) {
    const yes = a > b;
    const answer = withVerdict(yes, `${say(a)} is ${yes ? "more" : "less"} than ${say(b)}`);
    return [turnOf("skill", ask("isMore", telling, fills), answer, [yes ? "yes" : "no"])];
  }
  const larger = random.chance(0.6);
  const result = say(larger ? Math.max(a, b) : Math.min(a, b));
  const asked = ask(larger ? "larger" : "smaller", telling, fills);
  return [turnOf("skill", asked, `${result} is ${larger ? "larger" : "smaller"}.`, [result])];
}

/** "what comes after five?" */
export function neighbourTurn(telling: Telling): AskedTurn[] {
  const { random } = telling;
  const say = random.chance(0.6) ? inWords : (n: number) => `${n}`;
  const number = 1 + random.integer(random.chance(0.7) ? 20 : 97);
  const after = random.chance(0.6);
  const result = say(after ? number + 1 : number - 1);
  const asked = ask(after ? "nextNumber" : "previousNumber", telling, { A: say(number) });
  return [turnOf("skill", asked, `${after ? "after" : "before"} ${say(number)} comes ${result}.`, [result])];
}

/** "sort these numbers: 7, 2, 5" */
export function sortNumbersTurn(telling: Telling): AskedTurn[] {
  const { random } = telling;
  const words = random.chance(0.35);
  const pool = Array.from({ length: words ? 13 : 60 }, (_, i) => i);
  const numbers = random.shuffle(pool).slice(0, 3);
  const say = words ? (n: number) => NUMBERS[n] : (n: number) => `${n}`;
  const sorted = [...numbers]
    .sort((a, b) => a - b)
    .map(say)
    .join(", ");
  return [
    turnOf("skill", ask("sortNumbers", telling, { L: numbers.map(say).join(", ") }), `${sorted}.`, [sorted]),
  ];
}

/** Days and months, one after another. */
const CALENDAR: readonly {
  readonly names: readonly string[];
  readonly after: WordingKind;
  readonly before: WordingKind;
}[] = [
  {
    names: "monday tuesday wednesday thursday friday saturday sunday".split(" "),
    after: "dayAfter",
    before: "dayBefore",
  },
  {
    names: "january february march april may june july august september october november december".split(" "),
    after: "monthAfter",
    before: "monthBefore",
  },
];

/** "what day comes after monday?" */
export function calendarTurn(telling: Telling): AskedTurn[] {
  const { random } = telling;
  if (random.chance(0.1)) {
    const [kind, answer, number] = random.pick([
      ["dayCount", "a week has seven days.", "seven"],
      ["monthCount", "a year has twelve months.", "twelve"],
    ] as const);
    return [turnOf("skill", ask(kind, telling), answer, [number])];
  }
  const { names, after, before } = random.pick(CALENDAR);
  const at = random.integer(names.length);
  const forward = random.chance(0.6);
  const result = names[(at + (forward ? 1 : names.length - 1)) % names.length];
  const asked = ask(forward ? after : before, telling, { W: names[at] });
  return [turnOf("skill", asked, `${forward ? "after" : "before"} ${names[at]} comes ${result}.`, [result])];
}
