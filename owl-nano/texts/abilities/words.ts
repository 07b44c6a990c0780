import { COLORS } from "../../concepts/colors.ts";
import type { Concept } from "../../concepts/concepts.ts";
import { LIVES } from "../../concepts/fact-phrases.ts";
import { article, general, indefinite, isPluralOnly, kindPhrase } from "../../concepts/nouns.ts";
import { isHeldOutWord } from "../../scenes/held-out.ts";
import { wideKind } from "../kinds.ts";
import { inARow, inWords } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";
import { type Content, letters, plainly } from "./forms.ts";

const OPPOSITES: readonly (readonly [string, string])[] = [
  "big small",
  "hot cold",
  "up down",
  "left right",
  "day night",
  "good bad",
  "old new",
  "fast slow",
  "long short",
  "high low",
  "light dark",
  "black white",
  "open closed",
  "full empty",
  "happy sad",
  "wet dry",
  "hard soft",
  "loud quiet",
  "first last",
  "more less",
  "before after",
  "yes no",
  "early late",
  "rich poor",
  "strong weak",
  "clean dirty",
  "sweet sour",
  "near far",
  "on off",
  "in out",
  "above below",
  "true false",
].map((pair) => pair.split(" ") as [string, string]);

/** Words for small tasks: names of things and colors, single words. */
export function taskWords({ world }: Telling): string[] {
  const names = world.concepts.map(({ name }) => name).filter((name) => !name.includes(" "));
  return [...names, ...COLORS.map(({ name }) => name), ...OPPOSITES.flat().filter((word) => word.length > 2)];
}

function someWords(count: number, telling: Telling): string[] {
  return [...new Set(telling.random.shuffle(taskWords(telling)))].slice(0, count);
}

function listed(words: readonly string[], telling: Telling): string {
  return words.join(telling.random.chance(0.75) ? ", " : " ");
}

/** Counting a list, its first, last and longest word, sorting it. */
export function listTurn(telling: Telling): AskedTurn[] {
  const { random } = telling;
  const task = random.pick(["countList", "firstWord", "lastWord", "longestWord", "sortWords"] as const);
  const words = someWords(
    task === "sortWords" ? 3 : 2 + random.integer(task === "longestWord" ? 2 : 4),
    telling,
  );
  const asked = ask(task, telling, { L: listed(words, telling) });
  if (task === "countList") {
    const number = inWords(words.length);
    return [turnOf("skill", asked, `there are ${number} words.`, [number])];
  }
  if (task === "sortWords") {
    const sorted = [...words].sort().join(", ");
    return new Set(words.map((word) => word[0])).size < 3
      ? []
      : [turnOf("skill", asked, `${sorted}.`, [sorted])];
  }
  if (task === "longestWord") {
    const [longest, second] = [...words].sort((a, b) => b.length - a.length);
    if (longest.length < second.length + 2) return [];
    return [turnOf("skill", asked, `the longest word is ${longest}.`, [longest])];
  }
  const word = task === "firstWord" ? words[0] : words.at(-1)!;
  return [turnOf("skill", asked, `the ${task === "firstWord" ? "first" : "last"} word is ${word}.`, [word])];
}

/** Opposites, spelling, letters, copying, capitals, plurals. */
export function wordTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const [word, second, third] = someWords(3, telling);
  const task = random.integer(8);
  if (task === 0) return [oppositeTurn(telling)];
  if (task === 1) return spellTurn(telling);
  if (task === 2) {
    const number = inWords(word.length);
    return [
      turnOf("skill", ask("lettersOf", telling, { W: word }), `${word} has ${number} letters.`, [number]),
    ];
  }
  if (task === 3) {
    const first = random.chance(0.6);
    const letter = first ? word[0] : word.at(-1)!;
    const asked = ask(first ? "firstLetterOf" : "lastLetterOf", telling, { W: word });
    return [
      turnOf("skill", asked, `the ${first ? "first" : "last"} letter of ${word} is ${letter}.`, [
        `is ${letter}`,
      ]),
    ];
  }
  if (task === 4) {
    const text = [word, second, third].slice(0, 1 + random.integer(3)).join(" ");
    return [turnOf("skill", ask("copy", telling, { W: text }), `${text}.`, [text])];
  }
  if (task === 5) {
    const capitals = word.toUpperCase();
    if (isHeldOutWord(word)) return [];
    return [
      {
        ...turnOf("skill", ask("upperCase", telling, { W: word }), `${capitals}.`, [capitals]),
        form: "capitals",
      },
    ];
  }
  if (task === 6) return alphabetTurn(telling);
  const concept = random.pick(
    world.concepts.filter((concept) => !isPluralOnly(concept) && concept.plural !== concept.name),
  );
  const asked = ask("plural", telling, { W: concept.name });
  return [turnOf("skill", asked, `one ${concept.name}, two ${concept.plural}.`, [concept.plural])];
}

/** Spelling a word, or capitals in quotes as they stand on signs. */
function spellTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  if (random.chance(0.5)) {
    const [word] = someWords(1, telling);
    return [turnOf("skill", ask("spell", telling, { W: word }), `${letters(word)}.`, [letters(word)])];
  }
  // From small letters to capitals: the way from "tea" in a question to "TEA" on a paper.
  const word = random.pick(world.words).toUpperCase();
  const inside = random.chance(0.5) ? `"${word}"` : word.toLowerCase();
  const spelled = [...word].join(" ");
  if (random.chance(0.5))
    return [
      { ...turnOf("skill", ask("upperCase", telling, { W: inside }), `${word}.`, [word]), form: "capitals" },
    ];
  return [
    turnOf("skill", ask("spell", telling, { W: `"${word}"` }), `it is spelled "${spelled}".`, [spelled]),
  ];
}

function oppositeTurn(telling: Telling): AskedTurn {
  const pair = telling.random.pick(OPPOSITES);
  const [word, other] = telling.random.shuffle(pair);
  return turnOf("skill", ask("opposite", telling, { W: word }), `the opposite of ${word} is ${other}.`, [
    `is ${other}`,
  ]);
}

/** An opposite whose answer may have to have a form. */
export function oppositeContent(telling: Telling): Content {
  const [word, other] = telling.random.shuffle(telling.random.pick(OPPOSITES));
  return {
    asked: plainly("opposite", telling, { W: word }),
    word: other,
    phrase: other,
    sentence: `the opposite of ${word} is ${other}`,
  };
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz";

function alphabetTurn(telling: Telling): AskedTurn[] {
  const forward = telling.random.chance(0.6);
  const at = 1 + telling.random.integer(24);
  const result = ALPHABET[forward ? at + 1 : at - 1];
  const asked = ask(forward ? "nextLetter" : "previousLetter", telling, { W: ALPHABET[at] });
  return [
    turnOf("skill", asked, `${forward ? "after" : "before"} ${ALPHABET[at]} comes ${result}.`, [
      `comes ${result}`,
    ]),
  ];
}

/** "a fruit", "an animal": kinds that are asked for examples. */
const KINDS =
  "animal food vehicle tool instrument plant fruit vegetable mammal bird insect reptile drink flower building".split(
    " ",
  );

function membersOf(kind: string, concepts: readonly Concept[]): Concept[] {
  return concepts.filter((concept) => concept.kind === kind || wideKind(concept) === kind);
}

function pluralKind(kind: string): string {
  return kind === "food" ? "foods" : `${kind}s`;
}

/** "name a fruit.", "name three birds." Any example is right. */
export function exampleTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const kind = random.pick(KINDS);
  const all = membersOf(kind, world.concepts);
  const members = random.shuffle(all).slice(0, 3);
  if (random.chance(0.5)) {
    const [one] = members;
    return [
      {
        ...turnOf("skill", ask("nameKind", telling, { W: article(kind) }), `${indefinite(one)}.`, []),
        anyOf: all.map(({ name }) => name),
      },
    ];
  }
  if (members.length < 3) return [];
  const names = members.map(general);
  const asked = ask("nameThree", telling, { W: pluralKind(kind) });
  return [{ ...turnOf("skill", asked, `${inARow(names)}.`, []), anyOf: all.map(general) }];
}

/** "which animals live in the sea?", "what eats grass?" */
export function whoTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const home = random.chance(0.5);
  const facts = world.concepts.flatMap(({ facts }) => (home ? facts.home : facts.eats) ?? []);
  const value = random.pick([...new Set(facts)]);
  const all = world.concepts
    .filter(({ facts }) => (home ? facts.home : facts.eats) === value)
    .map(({ plural }) => plural);
  const asked = home
    ? ask("livesThere", telling, { H: LIVES[value] })
    : ask("eatsThis", telling, { F: value });
  const names = inARow(random.shuffle(all).slice(0, 2));
  const answer = `${names} ${home ? `live ${LIVES[value]}` : `eat ${value}`}.`;
  return [{ ...turnOf("text fact", asked, answer, []), anyOf: all }];
}

/** "what is a dog?" "a dog is a mammal."; now and then "is a dog a bird?" */
export function definitionTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const concept = random.pick(
    world.concepts.filter((concept) => !isPluralOnly(concept) && concept.kind !== concept.name),
  );
  const is = `${indefinite(concept)} is ${kindPhrase(concept.kind)}`;
  const fact = { name: concept.name, relation: "kind" };
  if (random.chance(0.5)) {
    const asked = ask("whatIsThing", telling, { X: indefinite(concept) });
    return [{ ...turnOf("text fact", asked, `${is}.`, [concept.kind]), fact }];
  }
  const yes = random.chance(0.5);
  const other = random.pick(world.concepts).kind;
  if (!yes && (other === concept.kind || other === wideKind(concept))) return [];
  const fills = { X: indefinite(concept), Y: kindPhrase(yes ? concept.kind : other) };
  const answer = withVerdict(yes, is, fills.Y);
  return [{ ...turnOf("text fact", ask("isAKind", telling, fills), answer, [yes ? "yes" : "no"]), fact }];
}

/** "is it true that a dog has six legs?" */
export function trueTurn(telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const concept = random.pick(world.concepts.filter(({ facts }) => facts.legs !== undefined));
  const yes = random.chance(0.5);
  const legs = yes ? concept.facts.legs : random.pick(["two", "three", "four", "six", "eight"]);
  if (!yes && legs === concept.facts.legs) return [];
  const asked = ask("trueOrFalse", telling, { X: `${indefinite(concept)} has ${legs} legs.` });
  const [has, verdict] = [`${indefinite(concept)} has ${concept.facts.legs} legs`, yes ? "true" : "false"];
  const answer = `${has}, so ${verdict}.`;
  return [turnOf("skill", asked, answer, [verdict])];
}
