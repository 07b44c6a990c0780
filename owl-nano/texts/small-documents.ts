import { readWords } from "../concepts/words.ts";
import type { Random } from "../random.ts";
import { splitWords } from "../scenes/held-out.ts";
import type { DocumentLayout, SmallDocument } from "../scenes/scene.ts";
import { randomCapitals } from "./scene-text.ts";

/** Goods on receipts, price lists and shopping lists. */
export const GOODS = lower(
  "tea milk bread egg rice soup fish salt apple pear plum nuts cake pie jam corn bean soap pen pot hat jar ball book bag coat shoe sock lamp toy card stamp tape rope nail lemon beer wine water juice cola bun ham oil honey cream flour pasta pizza salad onion peas meat taco candy",
);

/** People in score tables and on cards. */
export const NAMES = lower(
  "anna ben tom eva max lea tim mia leo ida jan kim sam zoe paul emma noah lisa nina omar rosa hugo vera otto ella ivan mary john luke alma",
);

/** Towns on cards, tickets and timetables. */
export const TOWNS = lower(
  "rome paris oslo bern london berlin lima cairo delhi tokyo madrid vienna dublin prague lyon milan york",
);

const JOBS = lower("cook nurse pilot baker clerk guard singer farmer driver");
const DAYS = lower("mon tue wed thu fri sat sun");
const TITLES: Readonly<Record<DocumentLayout, readonly string[]>> = {
  receipt: ["SHOP", "MARKET", "STORE", "CAFE", "BAKERY"],
  prices: ["MENU", "PRICES", "SHOP", "TODAY"],
  scores: ["SCORES", "POINTS", "GAME", "TEAM"],
  card: ["CARD", "CLUB", "TEAM"],
  list: ["TO BUY", "TO GET", "FOOD", "NOTES"],
  ticket: ["TICKET", "BUS", "TRAIN"],
  timetable: ["TIMES", "BUS", "TRAINS"],
};

function lower(words: string): readonly string[] {
  return words.split(" ");
}

function distinct(count: number, draw: () => number): number[] {
  const numbers = new Set<number>();
  while (numbers.size < count) numbers.add(draw());
  return [...numbers];
}

type Row = SmallDocument["rows"][number];

/** Rows of different labels and, mostly, different numbers. */
function numbered(labels: readonly string[], count: number, most: number, random: Random): Row[] {
  const numbers = distinct(count, () => 1 + random.integer(most));
  return random
    .shuffle(labels)
    .slice(0, count)
    .map((label, i) => ({ label: label.toUpperCase(), value: `${numbers[i]}` }));
}

let shortWords: readonly string[] | undefined;

/** Labels of which some are other words or no words, so that they are read and not guessed. */
function labelsFrom(labels: readonly string[], random: Random): string[] {
  shortWords ??= splitWords(readWords()).train.filter(({ length }) => length >= 3 && length <= 5);
  const others = shortWords;
  const mixed = labels.map((label) => {
    const dice = random.next();
    if (dice < 0.08) return randomCapitals(random, 3 + random.integer(2)).toLowerCase();
    return dice < 0.3 ? random.pick(others) : label;
  });
  return [...new Set(mixed)];
}

function clock(random: Random): string {
  return `${6 + random.integer(16)}:${random.pick(["00", "10", "15", "20", "30", "40", "45", "50"])}`;
}

const CARD_FIELDS: readonly (readonly [string, (random: Random) => string])[] = [
  ["AGE", (random) => `${6 + random.integer(80)}`],
  ["CITY", (random) => random.pick(TOWNS)],
  ["WORK", (random) => random.pick(JOBS)],
  ["ROOM", (random) => `${1 + random.integer(99)}`],
  ["DAY", (random) => random.pick(DAYS)],
  ["TEL", (random) => `${100 + random.integer(900)}`],
  ["TEAM", (random) => randomCapitals(random, 2)],
  ["TIME", clock],
  ["CODE", (random) => randomCapitals(random, 3)],
];

function rowsOf(layout: DocumentLayout, random: Random): Row[] {
  const count = 2 + random.integer(2);
  if (layout === "receipt") {
    const items = numbered(labelsFrom(GOODS, random), count, 30, random);
    const total = items.reduce((sum, { value }) => sum + Number(value), 0);
    return [...items, { label: random.pick(["SUM", "TOTAL"]), value: `${total}` }];
  }
  if (layout === "prices") return numbered(labelsFrom(GOODS, random), count + random.integer(2), 30, random);
  if (layout === "scores") return numbered(labelsFrom(NAMES, random), count + random.integer(2), 60, random);
  if (layout === "card") {
    const fields = random.shuffle(CARD_FIELDS).slice(0, 1 + random.integer(2));
    const name = { label: "NAME", value: random.pick(NAMES).toUpperCase() };
    return [name, ...fields.map(([label, draw]) => ({ label, value: draw(random).toUpperCase() }))];
  }
  if (layout === "list")
    return random
      .shuffle(labelsFrom(GOODS, random))
      .slice(0, count + random.integer(2))
      .map((label) => ({ label: label.toUpperCase(), value: "" }));
  if (layout === "ticket")
    return [
      { label: "TO", value: random.pick(TOWNS).toUpperCase() },
      { label: "SEAT", value: `${1 + random.integer(99)}` },
      ...(random.chance(0.7) ? [{ label: "TIME", value: clock(random) }] : []),
    ];
  const towns = random.shuffle(TOWNS.filter((town) => town.length <= 5)).slice(0, count);
  const times = new Set<string>();
  while (times.size < count) times.add(clock(random));
  return towns.map((town, i) => ({ label: town.toUpperCase(), value: [...times][i] }));
}

/** A document of a layout with fresh values: at most five lines, the title among them, of at most eleven characters. */
export function sampleDocument(random: Random, layout: DocumentLayout): SmallDocument {
  const rows = rowsOf(layout, random);
  const titled = rows.length < 5 && random.chance(0.4);
  return { layout, rows, ...(titled ? { title: random.pick(TITLES[layout]) } : {}) };
}
