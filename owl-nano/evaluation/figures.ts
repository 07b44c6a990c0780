import { saidIn } from "./lexicon.ts";
import type { Answered, MeasuredRow } from "./measure.ts";
import { LETTERS, type Letter, type ScoredTurn } from "./rows.ts";
import { groupedScore, type Score } from "./scoring.ts";
import { tokensOf } from "./words.ts";

/** One row of the table. */
export interface Figure {
  readonly ability: string;
  readonly set: string;
  readonly score: Score;
  /** The same questions with a grey picture; absent where there is no picture. */
  readonly blind?: Score | undefined;
  readonly chance: number;
}

/** All that was measured of one model. */
export interface Figures {
  /** "test" or "validation". */
  readonly split: string;
  readonly rows: readonly Figure[];
  /** Each ability over all of its sets. */
  readonly abilities: readonly Figure[];
  /** Means over all questions of OwlEval's letters. */
  readonly letters: Readonly<Partial<Record<Letter, Figure>>>;
  /** Over all questions. */
  readonly overall: Figure;
  /** Questions that have an answer and were answered by "i am not sure" or "i see no picture". */
  readonly declined: Figure;
}

/** One answer that counts. */
interface Counted {
  readonly right: boolean;
  readonly blind: boolean | undefined;
  readonly chance: number;
  readonly group: string;
}

interface Both {
  readonly seen: MeasuredRow;
  readonly blind: MeasuredRow | undefined;
}

function figureOf(ability: string, set: string, counted: readonly Counted[]): Figure {
  const groups = counted.map(({ group }) => group);
  const seen = counted.filter(({ blind }) => blind !== undefined);
  return {
    ability,
    set,
    score: groupedScore(
      counted.map(({ right }) => right),
      groups,
    ),
    ...(seen.length === 0
      ? {}
      : {
          blind: groupedScore(
            seen.map(({ blind }) => blind === true),
            seen.map(({ group }) => group),
          ),
        }),
    chance: counted.reduce((sum, { chance }) => sum + chance, 0) / Math.max(1, counted.length),
  };
}

const isRight = ({ right }: Answered): boolean => right;
const groupOf = ({ row }: MeasuredRow): string => row.drawings[0] ?? row.id;

/** A whole row: right where every turn is. */
function wholeRow({ seen, blind }: Both): Counted {
  return {
    right: seen.answers.every(isRight),
    blind: blind?.answers.every(isRight),
    chance: seen.row.turns.reduce((product, { chance }) => product * chance, 1),
    group: groupOf(seen),
  };
}

/** Each turn by itself. */
function everyTurn({ seen, blind }: Both): Counted[] {
  return seen.row.turns.map(({ chance }, t) => ({
    right: seen.answers[t].right,
    blind: blind?.answers[t].right,
    chance,
    group: groupOf(seen),
  }));
}

/** Whether an answer keeps the ordered form, whatever it says. */
function formAlone({ seen, blind }: Both): Counted {
  return {
    right: seen.answers[0].inForm === true,
    blind: blind === undefined ? undefined : blind.answers[0].inForm === true,
    chance: 0,
    group: groupOf(seen),
  };
}

/** Whether the first sentence names what is pictured, as the true answer's does. */
function namesIt({ answer }: ScoredTurn, { said }: Answered): boolean {
  const names = (text: string): string[] =>
    saidIn(tokensOf(text)).flatMap(({ text, kinds }) => (kinds.includes("name") ? [text] : []));
  const [thing] = names(answer);
  return thing !== undefined && names(said)[0] === thing;
}

function bridge({ seen, blind }: Both): Counted {
  const [turn] = seen.row.turns;
  return {
    right: namesIt(turn, seen.answers[0]),
    blind: blind === undefined ? undefined : namesIt(turn, blind.answers[0]),
    chance: 0,
    group: groupOf(seen),
  };
}

/** Further rows of some abilities: what they are called, and what counts. */
const PARTS: Readonly<Record<string, readonly (readonly [string, (rows: readonly Both[]) => Counted[]])[]>> =
  {
    form: [["form alone", (rows) => rows.map(formAlone)]],
    knowledge: [
      ["knowledge: names it", (rows) => rows.map(bridge)],
      ["knowledge, of those named", (rows) => rows.filter((row) => bridge(row).right).map(wholeRow)],
    ],
    "long conversation": [["long conversation, every turn", (rows) => rows.flatMap(everyTurn)]],
    "multi-turn": [["multi-turn, every turn", (rows) => rows.flatMap(everyTurn)]],
  };

const PART_NAMES = new Set(
  Object.values(PARTS)
    .flat()
    .map(([name]) => name),
);

/** Whether a row of the table is about part of what another one is. */
export function isPart({ ability }: Figure): boolean {
  return PART_NAMES.has(ability);
}

function grouped(rows: readonly Both[], key: (row: Both) => string): Map<string, Both[]> {
  const groups = new Map<string, Both[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}

function figuresOf(ability: string, set: string, rows: readonly Both[]): Figure[] {
  const parts = PARTS[ability] ?? [];
  return [
    figureOf(ability, set, rows.map(wholeRow)),
    ...parts.map(([name, counted]) => figureOf(name, set, counted(rows))),
  ];
}

/** Whether the true answer says that it is not sure, or sees no picture. */
function mayDecline({ slot, answer }: ScoredTurn): boolean {
  return /not sure|no picture/.test(`${slot.join(" ")} ${answer}`);
}

/** The figures of a model from its answers, with and without seeing. */
export function summarise(
  split: string,
  seen: readonly MeasuredRow[],
  blind: readonly MeasuredRow[] = [],
): Figures {
  const byId = new Map(blind.map((measured) => [measured.row.id, measured]));
  const all = seen.map((measured): Both => ({ seen: measured, blind: byId.get(measured.row.id) }));
  const bySet = grouped(all, ({ seen: { row } }) => `${row.ability}|${row.set}`);
  const byAbility = grouped(all, ({ seen: { row } }) => row.ability);
  // Photographs are shown to an owl that knows drawings alone, and not everyone has them: a row of their own.
  const own = all.filter(({ seen: { row } }) => row.set !== "S3");
  const letters = (Object.keys(LETTERS) as Letter[]).flatMap((letter) => {
    const rows = own.filter(({ seen: { row } }) => row.letter === letter);
    return rows.length === 0
      ? []
      : [[letter, figureOf(LETTERS[letter], "all", rows.flatMap(everyTurn))] as const];
  });
  const declined = own.flatMap(({ seen: measured }) =>
    measured.row.turns.flatMap((turn, t): Counted[] =>
      mayDecline(turn)
        ? []
        : [{ right: measured.answers[t].declined, blind: undefined, chance: 0, group: groupOf(measured) }],
    ),
  );
  return {
    split,
    rows: [...bySet].flatMap(([key, rows]) => figuresOf(key.split("|")[0], key.split("|")[1], rows)),
    abilities: [...byAbility].flatMap(([ability, rows]) => figuresOf(ability, "all", rows)),
    letters: Object.fromEntries(letters),
    overall: figureOf("all questions", "all", own.flatMap(everyTurn)),
    declined: figureOf("declined though there is an answer", "all", declined),
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function line({ ability, set, score, blind, chance }: Figure): string {
  const range = `${percent(score.interval[0])} – ${percent(score.interval[1])}`;
  const without = blind === undefined ? "–" : percent(blind.share);
  return `| ${ability} | ${set} | ${score.of} | **${percent(score.share)}** | ${range} | ${without} | ${percent(chance)} |`;
}

/** The figures as a Markdown table. */
export function figuresTable({ rows, letters, overall, declined }: Figures): string {
  return [
    "| ability | set | n | score | 95 % | blind | chance |",
    "|---|---|---|---|---|---|---|",
    ...rows.map(line),
    ...Object.entries(letters).map(([letter, figure]) =>
      line({ ...figure, ability: `${letter}: ${figure.ability}` }),
    ),
    line(overall),
    line(declined),
  ].join("\n");
}
