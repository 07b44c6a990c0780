import type { Random } from "../random.ts";

/** How people type, as shares of the questions. */
const HABITS = {
  typo: 0.06,
  noMark: 0.25,
  opening: 0.05,
  closing: 0.04,
  british: 0.15,
  otherName: 0.06,
} as const;

const OPENINGS = ["hi, ", "hello, ", "please, ", "ok, ", "so, ", "owl, ", "hey, ", "now, ", "well, "];
const CLOSINGS = [" please", ", please", ", owl", " thanks"];

/** Other names that people have for things. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  airplane: "plane",
  airplanes: "planes",
  bicycle: "bike",
  bicycles: "bikes",
  motorcycle: "motorbike",
  motorcycles: "motorbikes",
  television: "tv",
  televisions: "tvs",
  hamburger: "burger",
  hamburgers: "burgers",
  doughnut: "donut",
  doughnuts: "donuts",
  gift: "present",
  gifts: "presents",
  phone: "telephone",
  phones: "telephones",
  laptop: "computer",
  laptops: "computers",
  sailboat: "sailing boat",
  sailboats: "sailing boats",
  rabbit: "bunny",
  rabbits: "bunnies",
  ladybug: "ladybird",
  ladybugs: "ladybirds",
  truck: "lorry",
  trucks: "lorries",
  bag: "handbag",
  bags: "handbags",
  spaghetti: "pasta",
};
const OTHER_COUNTRIES: Readonly<Record<string, string>> = {
  america: "the usa",
  britain: "england",
  netherlands: "the netherlands",
  philippines: "the philippines",
  korea: "south korea",
};

/** A question in which a thing or country may bear another of its names, with the article that suits it. */
export function inOtherWords<T extends { readonly question: string }>(asked: T, random: Random): T {
  if (!random.chance(HABITS.otherName)) return asked;
  const things = asked.question.replace(
    /\b(an? )?([a-z]+)\b/g,
    (found, article: string | undefined, word: string) => {
      const other = Object.hasOwn(OTHER_NAMES, word) ? OTHER_NAMES[word] : undefined;
      return other === undefined ? found : `${article === undefined ? "" : "a "}${other}`;
    },
  );
  const question = things.replace(/\b[a-z]+\b/g, (word) =>
    Object.hasOwn(OTHER_COUNTRIES, word) ? OTHER_COUNTRIES[word] : word,
  );
  return { ...asked, question };
}

/** Words that a wrong letter must not touch, since they decide the answer. */
const DECIDING = new Set(
  `left right top bottom middle center above below under over first second third last both other same different more fewer most
  fewest least less many cheapest cheap dearest expensive highest lowest longest shortest biggest smallest large small before after
  not none word words letter letters capital capitals reverse twice spell one two three four legs plus minus times yes true false
  json list quotes sure full sentence upper lower`
    .split(/\s+/)
    .filter((word) => word !== ""),
);

/** Letters beside each other on a keyboard. */
const KEYBOARD = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

function neighbour(letter: string, random: Random): string {
  const row = KEYBOARD.find((keys) => keys.includes(letter))!;
  const at = row.indexOf(letter);
  return random.pick([row[at - 1], row[at + 1]].filter((key) => key !== undefined));
}

/** The word with one letter mistyped; the first letter stays. */
function mistype(word: string, random: Random): string {
  const at = 1 + random.integer(word.length - 2);
  const [before, letter, after] = [word.slice(0, at), word[at], word.slice(at + 1)];
  return random.pick([
    before + after[0] + letter + after.slice(1),
    before + after,
    before + letter + letter + after,
    before + neighbour(letter, random) + after,
  ]);
}

function withTypo(wording: string, random: Random): string {
  const words = wording.split(" ");
  const open = [...words.keys()].filter(
    (i) => /^[a-z]{4,}[?.,]?$/.test(words[i]) && !DECIDING.has(words[i].replace(/\W/g, "")),
  );
  if (open.length === 0) return wording;
  const at = random.pick(open);
  const [, letters, mark] = /^([a-z]+)(.*)$/.exec(words[at])!;
  words[at] = mistype(letters, random) + mark;
  return words.join(" ");
}

/**
 * A wording as someone types it: now and then a wrong letter, no mark at the end, a greeting in front. What is filled in for its
 * capitals stays as it is.
 */
export function typed(wording: string, random: Random): string {
  let text = random.chance(HABITS.typo) ? withTypo(wording, random) : wording;
  if (random.chance(HABITS.british)) text = text.replace(/\bcolor/g, "colour");
  // A filled-in list or another question at the end has marks of its own.
  const openEnd = /([A-Z]|= \?)$/.test(text);
  if (!openEnd && random.chance(HABITS.noMark)) text = text.replace(/[?.!]$/, "");
  if (!openEnd && random.chance(HABITS.closing)) {
    const mark = /[?.!]$/.exec(text)?.[0] ?? "";
    text = text.slice(0, text.length - mark.length) + random.pick(CLOSINGS) + mark;
  }
  return random.chance(HABITS.opening) ? random.pick(OPENINGS) + text : text;
}
