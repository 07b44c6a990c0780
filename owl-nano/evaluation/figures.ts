import { saidIn } from "./lexicon.ts";
import type { Answered, MeasuredRow } from "./measure.ts";
import { LETTERS, type Letter, type ScoredTurn } from "./rows.ts";
import { groupedScore, type Score, widestScore } from "./scoring.ts";
import { slotTokens, tokensOf } from "./words.ts";

/** One row of the table. */
export interface Figure {
  readonly ability: string;
  readonly set: string;
  /** Its interval counts answers about one drawing, and to one wording, as dependent. */
  readonly score: Score;
  /** The interval that counts drawings alone, which is narrower. */
  readonly byDrawing: Score["interval"];
  /** The same questions with a grey picture; absent where there is no picture. */
  readonly blind?: Score | undefined;
  /** How often a guess among the possible answers is right, or the commonest answer where that is more often. */
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
  readonly isPictured: boolean;
  readonly chance: number;
  /** What decides in the true answer, where one answer could be given to all. */
  readonly decisive?: string | undefined;
  /** What it is right or wrong together with: its first drawing, its last one, its wording. */
  readonly groups: readonly [string, string, string];
}

interface Both {
  readonly seen: MeasuredRow;
  readonly blind: MeasuredRow | undefined;
}

function figureOf(ability: string, set: string, counted: readonly Counted[]): Figure {
  const scoreOf = (some: readonly Counted[], right: (one: Counted) => boolean): Score =>
    widestScore(
      some.map(right),
      [0, 1, 2].map((way) => some.map(({ groups }) => groups[way])),
    );
  const seen = counted.filter(({ blind }) => blind !== undefined);
  const isSeen = seen.some(({ isPictured }) => isPictured);
  const guess = counted.reduce((sum, { chance }) => sum + chance, 0) / Math.max(1, counted.length);
  return {
    ability,
    set,
    score: scoreOf(counted, isRight),
    byDrawing: groupedScore(
      counted.map(isRight),
      counted.map(({ groups }) => groups[0]),
    ).interval,
    ...(isSeen && { blind: scoreOf(seen, ({ blind }) => blind === true) }),
    chance: Math.max(guess, commonest(counted)),
  };
}

/** The share of the answer that is right most often; 0 where none is twice. */
function commonest(counted: readonly Counted[]): number {
  const times = new Map<string, number>();
  for (const { decisive } of counted)
    if (decisive !== undefined) times.set(decisive, (times.get(decisive) ?? 0) + 1);
  const most = Math.max(0, ...times.values());
  return most > 1 ? most / counted.length : 0;
}

const isRight = ({ right }: { readonly right: boolean }): boolean => right;

/** Of a row without pictures, facts that are asked in several ways are known or not together. */
function groupsOf({ row }: MeasuredRow, turns: readonly ScoredTurn[]): Counted["groups"] {
  const [first, last] = [row.drawings[0], row.drawings.at(-1)];
  const fact = row.pictures.length === 0 ? turns.map(({ answer }) => answer).join(" ") : row.id;
  const wording = turns.flatMap(({ wordings }) => wordings).join("|");
  return [first ?? fact, last ?? fact, wording === "" ? row.id : wording];
}

/** Who is always unsure is told by a row of its own. */
const UNSURE: ReadonlySet<string> = new Set(["unsure", "no picture"]);

function decisiveOf({ slot, ability }: ScoredTurn): string | undefined {
  return slot.length === 0 || UNSURE.has(ability) ? undefined : slot.join(" ");
}

/** What an answer, or a whole row, has in common with others of its kind. */
function countedOf(both: Both, turns: readonly ScoredTurn[]): Omit<Counted, "right" | "blind" | "chance"> {
  return { isPictured: both.seen.row.pictures.length > 0, groups: groupsOf(both.seen, turns) };
}

/** A whole row: right where every turn is. */
function wholeRow(both: Both): Counted {
  const { seen, blind } = both;
  const { turns } = seen.row;
  return {
    ...countedOf(both, turns),
    right: seen.answers.every(isRight),
    blind: blind?.answers.every(isRight),
    chance: turns.reduce((product, { chance }) => product * chance, 1),
    decisive: turns.length === 1 ? decisiveOf(turns[0]) : undefined,
  };
}

/** Each turn by itself. */
function everyTurn(both: Both): Counted[] {
  const { seen, blind } = both;
  return seen.row.turns.map((turn, t) => ({
    ...countedOf(both, [turn]),
    right: seen.answers[t].right,
    blind: blind?.answers[t].right,
    chance: turn.chance,
    decisive: decisiveOf(turn),
  }));
}

/** Whether an answer keeps the ordered form, whatever it says. */
function formAlone(both: Both): Counted {
  const { seen, blind } = both;
  return {
    ...countedOf(both, seen.row.turns),
    right: seen.answers[0].inForm === true,
    blind: blind === undefined ? undefined : blind.answers[0].inForm === true,
    chance: 0,
  };
}

/** Whether the first sentence names what is pictured, as the true answer's does. */
function namesIt({ answer }: ScoredTurn, { said }: Answered): boolean {
  const names = (text: string): string[] =>
    saidIn(tokensOf(text)).flatMap(({ text, kinds }) => (kinds.includes("name") ? [text] : []));
  const [thing] = names(answer);
  return thing !== undefined && names(said)[0] === thing;
}

function bridge(both: Both): Counted {
  const { seen, blind } = both;
  const [turn] = seen.row.turns;
  return {
    ...countedOf(both, [turn]),
    right: namesIt(turn, seen.answers[0]),
    blind: blind === undefined ? undefined : namesIt(turn, blind.answers[0]),
    chance: 0,
  };
}

/** Whether a thing must be seen and named, as against a color, a sum or a fact of what the question names. */
function asksForThing({ seen: { row } }: Both): boolean {
  return row.turns.every(({ slot }) =>
    slot.some((part) => saidIn(slotTokens(part)).some(({ kinds }) => kinds.includes("name"))),
  );
}

/** Whether a question leaves it to the picture what it is about. */
function isNotNamed({ seen: { row } }: Both): boolean {
  const said = saidIn(tokensOf(row.turns[0].question.toLowerCase()));
  return !said.some(({ kinds }) => kinds.includes("name"));
}

/** Further rows of some abilities: what they are called, and what counts. */
const PARTS: Readonly<Record<string, readonly (readonly [string, (rows: readonly Both[]) => Counted[]])[]>> =
  {
    form: [["form alone", (rows) => rows.map(formAlone)]],
    knowledge: [
      ["knowledge: names it", (rows) => rows.map(bridge)],
      ["knowledge, of those named", (rows) => rows.filter((row) => bridge(row).right).map(wholeRow)],
    ],
    "knowledge of flags": [
      ["knowledge of flags, not named", (rows) => rows.filter(isNotNamed).map(wholeRow)],
    ],
    "long conversation": [["long conversation, turn by turn", (rows) => rows.flatMap(everyTurn)]],
    "multi-turn": [["multi-turn, turn by turn", (rows) => rows.flatMap(everyTurn)]],
    "two pictures naming": [
      ["two pictures naming, of things", (rows) => rows.filter(asksForThing).map(wholeRow)],
    ],
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
  // Without a picture nobody sees anything: the answers are the same.
  const withoutSight = (measured: MeasuredRow): MeasuredRow | undefined =>
    byId.get(measured.row.id) ??
    (blind.length > 0 && measured.row.pictures.length === 0 ? measured : undefined);
  const all = seen.map((measured): Both => ({ seen: measured, blind: withoutSight(measured) }));
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
        : [
            {
              right: measured.answers[t].declined,
              blind: undefined,
              isPictured: measured.row.pictures.length > 0,
              chance: 0,
              groups: groupsOf(measured, [turn]),
            },
          ],
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

/** Every ability over all of its sets, behind the whole, as a Markdown table; without photographs, which not everyone has. */
export function abilitiesTable({ rows, abilities, overall }: Figures): string {
  const photographs = new Set(rows.filter(({ set }) => set === "S3").map(({ ability }) => ability));
  const shown = abilities.filter((figure) => !isPart(figure) && !photographs.has(figure.ability));
  return [
    "| asked | n | right | 95 % | blind | chance |",
    "|---|---|---|---|---|---|",
    ...[{ ...overall, ability: "**everything**" }, ...shown].map(({ ability, score, blind, chance }) => {
      const [low, high] = score.interval;
      const without = blind === undefined ? "–" : percent(blind.share);
      const range = `${(low * 100).toFixed(1)}–${percent(high)}`;
      return `| ${ability} | ${score.of} | **${percent(score.share)}** | ${range} | ${without} | ${percent(chance)} |`;
    }),
  ].join("\n");
}
