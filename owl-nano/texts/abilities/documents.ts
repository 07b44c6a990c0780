import type { Scene, SmallDocument } from "../../scenes/scene.ts";
import { DOCUMENT_NAMES, documentLines, quotedLines } from "../scene-captions.ts";
import { inWords } from "../scene-words.ts";
import { GOODS } from "../small-documents.ts";
import { type AskedTurn, type Telling, turnOf } from "../turns.ts";
import { ask, type WordingKind } from "../wordings.ts";

type Row = SmallDocument["rows"][number];

/** What a question about a document draws from. */
interface Reading {
  readonly document: SmallDocument;
  /** The rows without the total. */
  readonly items: readonly Row[];
  readonly telling: Telling;
}

type Asking = (reading: Reading) => AskedTurn[];

const TOTALS = new Set(["SUM", "TOTAL"]);

/** The row's total, where it has one. */
function totalOf({ rows }: SmallDocument): Row | undefined {
  return rows.find(({ label }) => TOTALS.has(label));
}

function turn(
  { telling }: Reading,
  kind: WordingKind,
  answer: string,
  more: { slot: string[]; fills?: Record<string, string> },
): AskedTurn[] {
  return [turnOf("document", ask(kind, telling, more.fills ?? {}), answer, more.slot)];
}

/** The rows whose number no other row has. */
function unlike(items: readonly Row[]): Row[] {
  return items.filter(({ value }) => items.filter((other) => other.value === value).length === 1);
}

function extreme(items: readonly Row[], largest: boolean): Row {
  return [...items].sort((a, b) => (Number(b.value) - Number(a.value)) * (largest ? 1 : -1))[0];
}

const readAll: Asking = (reading) => {
  const { document } = reading;
  return turn(reading, "readAll", `${quotedLines(document)}.`, {
    slot: documentLines(document),
    fills: { D: DOCUMENT_NAMES[document.layout] },
  });
};
const kind: Asking = (reading) => {
  const name = DOCUMENT_NAMES[reading.document.layout];
  return turn(reading, "documentKind", `this is a ${name}.`, { slot: [name] });
};
const price: Asking = (reading) => {
  const { label, value } = reading.telling.random.pick(reading.items);
  return turn(reading, "price", `"${label}" costs ${value}.`, {
    slot: [value],
    fills: { X: label.toLowerCase() },
  });
};
const whatCosts: Asking = (reading) => {
  const rows = unlike(reading.document.rows).filter((row) => reading.items.includes(row));
  if (rows.length === 0) return [];
  const { label, value } = reading.telling.random.pick(rows);
  return turn(reading, "whatCosts", `"${label}" costs ${value}.`, { slot: [label], fills: { V: value } });
};
const total: Asking = (reading) => {
  const row = totalOf(reading.document);
  if (row === undefined) return [];
  return turn(reading, "total", `the total is ${row.value}.`, { slot: [row.value] });
};
const cheapest: Asking = (reading) => {
  const { label } = extreme(reading.items, false);
  return turn(reading, "cheapest", `the cheapest is "${label}".`, { slot: [label] });
};
const dearest: Asking = (reading) => {
  const { label } = extreme(reading.items, true);
  return turn(reading, "dearest", `the most expensive is "${label}".`, { slot: [label] });
};
const first: Asking = (reading) => {
  const { label } = reading.items[0];
  return turn(reading, "firstItem", `the first item is "${label}".`, { slot: [label] });
};
const last: Asking = (reading) => {
  const { label } = reading.items.at(-1)!;
  return turn(reading, "lastItem", `the last item is "${label}".`, { slot: [label] });
};
const count: Asking = (reading) => {
  const number = inWords(reading.items.length);
  return turn(reading, "countItems", `there are ${number} items.`, { slot: [number] });
};
const items: Asking = (reading) => {
  const labels = reading.items.map(({ label }) => label);
  return turn(reading, "items", `${labels.map((label) => `"${label}"`).join(", ")}.`, { slot: labels });
};
/** "which is cheaper, the tea or the milk?" */
const compare: Asking = (reading) => {
  const { random } = reading.telling;
  const rows = random.shuffle(unlike(reading.items)).slice(0, 2);
  if (rows.length < 2) return [];
  const scores = reading.document.layout === "scores";
  const more = scores || random.chance(0.5);
  const [a, b] = rows;
  const chosen = Number(a.value) > Number(b.value) === more ? a : b;
  const told = rows.map(({ label, value }) => `"${label}" ${scores ? "has" : "costs"} ${value}.`).join(" ");
  const [kind, end] = scores
    ? (["morePoints", "has more points"] as const)
    : more
      ? (["dearer", "is more expensive"] as const)
      : (["cheaper", "is cheaper"] as const);
  const [X, Y] = rows.map(({ label }) => label.toLowerCase());
  return turn(reading, kind, `${told} "${chosen.label}" ${end}.`, {
    slot: [`"${chosen.label}" ${end}`],
    fills: { X, Y },
  });
};
const has: Asking = (reading) => {
  const { telling, items } = reading;
  const labels = items.map(({ label }) => label);
  const yes = telling.random.chance(0.5);
  const label = yes
    ? telling.random.pick(labels)
    : telling.random.pick(GOODS.filter((name) => !labels.includes(name.toUpperCase()))).toUpperCase();
  const answer = yes ? `yes, there is "${label}".` : `no, there is no "${label}".`;
  return turn(reading, "hasItem", answer, { slot: [yes ? "yes" : "no"], fills: { X: label.toLowerCase() } });
};
const points: Asking = (reading) => {
  const { label, value } = reading.telling.random.pick(reading.items);
  const answer = `"${label}" has ${value} ${value === "1" ? "point" : "points"}.`;
  return turn(reading, "points", answer, { slot: [value], fills: { X: label.toLowerCase() } });
};
const most: Asking = (reading) => {
  const { label } = extreme(reading.items, true);
  return turn(reading, "mostPoints", `"${label}" has the most points.`, { slot: [label] });
};
const fewest: Asking = (reading) => {
  const { label } = extreme(reading.items, false);
  return turn(reading, "fewestPoints", `"${label}" has the fewest points.`, { slot: [label] });
};
const whoHas: Asking = (reading) => {
  const rows = unlike(reading.items);
  if (rows.length === 0) return [];
  const { label, value } = reading.telling.random.pick(rows);
  return turn(reading, "whoHas", `"${label}" has ${value} ${value === "1" ? "point" : "points"}.`, {
    slot: [label],
    fills: { V: value },
  });
};

/** A number as it is, anything else in quotes. */
function quoted(value: string): string {
  return /^\d+$/.test(value) ? value : `"${value}"`;
}

const field: Asking = (reading) => {
  const { telling, document } = reading;
  const { label, value } = telling.random.pick(document.rows);
  const name = label.toLowerCase();
  return turn(reading, "field", `the ${name} is ${quoted(value)}.`, {
    slot: [value],
    fills: { X: name, D: DOCUMENT_NAMES[document.layout] },
  });
};

/** A question of its own about one field. */
function fieldOf(label: string, questions: WordingKind): Asking {
  return (reading) => {
    const { rows } = reading.document;
    const row = rows.find((row) => row.label === label);
    if (row === undefined) return [];
    const name = rows.find((row) => row.label === "NAME")?.value.toLowerCase() ?? "the person";
    return turn(reading, questions, `the ${label.toLowerCase()} is ${quoted(row.value)}.`, {
      slot: [row.value],
      fills: { X: name },
    });
  };
}

/** What stands beside a label, whatever the document is. */
const beside: Asking = (reading) => {
  const { label, value } = reading.telling.random.pick(reading.document.rows);
  return turn(reading, "beside", `beside "${label}" is ${quoted(value)}.`, {
    slot: [value],
    fills: { X: label.toLowerCase() },
  });
};

const departs: Asking = (reading) => {
  const { label, value } = reading.telling.random.pick(reading.items);
  return turn(reading, "departs", `"${label}" is at "${value}".`, {
    slot: [value],
    fills: { X: label.toLowerCase() },
  });
};
const ticketTo: Asking = (reading) => {
  const row = reading.document.rows.find(({ label }) => label === "TO");
  return row === undefined
    ? []
    : turn(reading, "ticketTo", `it goes to "${row.value}".`, { slot: [row.value] });
};

/** What is asked of each layout; what stands twice is asked twice as often. */
const ASKINGS: Readonly<Record<SmallDocument["layout"], readonly Asking[]>> = {
  receipt: [
    items,
    compare,
    compare,
    beside,
    beside,
    price,
    price,
    price,
    whatCosts,
    whatCosts,
    total,
    total,
    cheapest,
    dearest,
    first,
    last,
    count,
    has,
    readAll,
    kind,
  ],
  prices: [
    items,
    compare,
    compare,
    beside,
    beside,
    price,
    price,
    price,
    whatCosts,
    whatCosts,
    cheapest,
    dearest,
    first,
    last,
    count,
    has,
    readAll,
    kind,
  ],
  scores: [
    compare,
    compare,
    beside,
    beside,
    points,
    points,
    points,
    most,
    most,
    fewest,
    whoHas,
    whoHas,
    readAll,
    kind,
  ],
  card: [
    beside,
    beside,
    field,
    field,
    field,
    fieldOf("NAME", "cardName"),
    fieldOf("AGE", "cardAge"),
    fieldOf("CITY", "cardCity"),
    readAll,
    kind,
  ],
  list: [items, items, first, first, last, last, count, has, has, readAll, readAll, kind],
  ticket: [field, field, beside, ticketTo, readAll],
  timetable: [beside, beside, beside, departs, first, last, readAll],
};

function readingOf(document: SmallDocument, telling: Telling): Reading {
  return { document, telling, items: document.rows.filter(({ label }) => !TOTALS.has(label)) };
}

/** A question about a document. */
export function documentTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { document } = scene;
  if (document === undefined) return [];
  return telling.random.pick(ASKINGS[document.layout])(readingOf(document, telling));
}

/** "how much is the tea?" "and the milk?": the second is asked of the same kind of row. */
export function documentFollowUp(scene: Scene, telling: Telling): AskedTurn[] {
  const { document } = scene;
  if (document === undefined) return [];
  const reading = readingOf(document, telling);
  if (reading.items.length < 2) return [];
  const scores = document.layout === "scores";
  if (!scores && document.layout !== "receipt" && document.layout !== "prices") return [];
  const [first, second] = telling.random.shuffle(reading.items);
  const [start] = (scores ? points : price)({ ...reading, items: [first] });
  const X = scores ? second.label.toLowerCase() : `the ${second.label.toLowerCase()}`;
  const end = scores
    ? `"${second.label}" has ${second.value} ${second.value === "1" ? "point" : "points"}.`
    : `"${second.label}" costs ${second.value}.`;
  return [start, turnOf("multi-turn", ask("andThis", telling, { X }), end, [second.value])];
}
