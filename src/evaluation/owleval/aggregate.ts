import { groupBy } from "../group-by.ts";
import { bootstrapInterval, cohenKappa, fleissKappa, type Interval } from "../statistics.ts";
import { type Grade, type GradedAnswer, gradeNames } from "./grades.ts";
import { type Ability, abilityNames, type Category, categoryNames } from "./questions.ts";
import type { GradeCountsFile } from "./released-counts.ts";

/** How often each grade was given. An answer counts one in all, split evenly among its raters. */
export type GradeCounts = Readonly<Record<Grade, number>>;

/** The grades of one system's answers to the questions of a category or ability. */
export interface SystemGrades {
  readonly system: string;
  /** Answers. */
  readonly answers: number;
  readonly counts: GradeCounts;
  /** Share of A and B together; questions about one picture are drawn together. */
  readonly acceptable: Interval;
}

/** How often the first system's answer got the better grade, equal ones counted half. */
export interface WinRate extends Interval {
  readonly first: string;
  readonly second: string;
  /** Questions that somebody graded both systems on. */
  readonly questions: number;
}

/** The grades of all people together, or of one judge (a language model). */
export interface GradeSummary {
  /** `people`, or the judge's name. */
  readonly by: string;
  readonly raters: readonly string[];
  readonly categories: Readonly<Record<Category, readonly SystemGrades[]>>;
  readonly abilities: Readonly<Record<Ability, readonly SystemGrades[]>>;
  readonly winRates: readonly WinRate[];
}

/** Agreement of two raters; a judge is two of them, one in each order of the answers. */
export interface PairAgreement {
  readonly first: string;
  readonly second: string;
  /** Answers that both graded. */
  readonly answers: number;
  /** Share of equal grades. */
  readonly equal: number;
  /** Cohen's kappa; null where both gave one and the same grade only. */
  readonly kappa: number | null;
  /** With mistakes counted by the square of their distance. */
  readonly weightedKappa: number | null;
}

export interface Agreement {
  readonly pairs: readonly PairAgreement[];
  /** Of all people, over the answers that two or more graded; absent with fewer than three people. */
  readonly fleiss?: { readonly raters: number; readonly answers: number; readonly kappa: number | null };
}

/** An answer that a judge graded differently in its two orders. */
export interface Inconsistency {
  readonly judge: string;
  readonly questionId: number;
  readonly system: string;
  readonly grades: readonly [first: Grade, second: Grade];
}

/** Enough for percents without decimals, of the hundred intervals of a report. */
const resamples = 1000;

const isJudge = (rater: string): boolean => rater.startsWith("judge:");

/** A rater; a judge counts as two, one for each order in which it saw the answers. */
const raterKey = ({ rater, order }: GradedAnswer): string =>
  order === undefined ? rater : `${rater}, order ${order}`;

const answerKey = ({ questionId, system }: GradedAnswer): string => JSON.stringify([questionId, system]);

/** A summary of the grades of all people, and one of each judge. */
export function gradeSummaries(graded: readonly GradedAnswer[]): GradeSummary[] {
  const groups = groupBy(graded, ({ rater }) => (isJudge(rater) ? rater : "people"));
  return [...groups]
    .toSorted(([a], [b]) => Number(b === "people") - Number(a === "people"))
    .map(([by, grades]) => gradeSummary(by, grades));
}

function gradeSummary(by: string, graded: readonly GradedAnswer[]): GradeSummary {
  const aggregate = (holds: (one: GradedAnswer) => boolean): SystemGrades[] =>
    aggregateBySystem(graded.filter(holds));
  return {
    by,
    raters: [...new Set(graded.map(({ rater }) => rater))],
    categories: record(categoryNames, (name) => aggregate(({ category }) => category.includes(name))),
    abilities: record(abilityNames, (name) => aggregate(({ abilities }) => abilities.includes(name))),
    winRates: winRates(graded),
  };
}

const record = <Key extends string, Value>(
  keys: readonly Key[],
  make: (key: Key) => Value,
): Record<Key, Value> => Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<Key, Value>;

/** Systems in the order of their names, so that a figure does not depend on who graded first. */
function aggregateBySystem(graded: readonly GradedAnswer[]): SystemGrades[] {
  return [...groupBy(graded, ({ system }) => system)]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([system, own]) => aggregateGrades(system, own));
}

interface SharedAnswer {
  readonly image: string;
  /** Of this answer, which is one in all. */
  readonly counts: GradeCounts;
}

function aggregateGrades(system: string, graded: readonly GradedAnswer[]): SystemGrades {
  const answers = [...groupBy(graded, answerKey).values()].map(
    (gradesOfAnswer): SharedAnswer => ({
      image: gradesOfAnswer[0].image,
      counts: record(
        gradeNames,
        (name) => gradesOfAnswer.filter(({ grade }) => grade === name).length / gradesOfAnswer.length,
      ),
    }),
  );
  const sum = (name: Grade): number => answers.reduce((total, { counts }) => total + counts[name], 0);
  return {
    system,
    answers: answers.length,
    counts: record(gradeNames, sum),
    acceptable: bootstrapInterval(answers, acceptableShare, { resamples, groupOf: ({ image }) => image }),
  };
}

const acceptableShare = (answers: readonly Pick<SharedAnswer, "counts">[]): number =>
  answers.reduce((sum, { counts }) => sum + counts.A + counts.B, 0) / answers.length;

/** Of counts alone; nothing is known of which answers belong to one picture, so each is drawn by itself. */
export function gradesOfCounts(system: string, counts: GradeCounts): SystemGrades {
  const single = gradeNames.flatMap((name) =>
    Array.from({ length: counts[name] }, () => ({
      counts: record(gradeNames, (other) => Number(other === name)),
    })),
  );
  return {
    system,
    answers: single.length,
    counts,
    acceptable: bootstrapInterval(single, acceptableShare, { resamples }),
  };
}

/** The counts of a file in the form of a {@link GradeSummary}, by category. */
export function aggregateCounts({ systems }: GradeCountsFile): Record<Category, SystemGrades[]> {
  return record(categoryNames, (category) =>
    systems.flatMap((system) => {
      const counts = system[category];
      return counts === undefined ? [] : [gradesOfCounts(system.name, counts)];
    }),
  );
}

/** Every pair of systems once, over the questions on which a rater graded both. */
function winRates(graded: readonly GradedAnswer[]): WinRate[] {
  const systems = [...new Set(graded.map(({ system }) => system))].toSorted();
  const questions = [...groupBy(graded, ({ questionId }) => questionId).values()];
  return systems.flatMap((first, i) =>
    systems.slice(i + 1).flatMap((second) => {
      const contests = questions.flatMap((all) => pairScore(all, first, second));
      if (contests.length === 0) return [];
      const interval = bootstrapInterval(contests, meanScore, { resamples, groupOf: ({ image }) => image });
      return [{ first, second, questions: contests.length, ...interval }];
    }),
  );
}

interface PairScore {
  readonly image: string;
  readonly score: number;
}

const meanScore = (contests: readonly PairScore[]): number =>
  contests.reduce((sum, { score }) => sum + score, 0) / contests.length;

/** The first system's score on a question, the mean over those who graded both. */
function pairScore(graded: readonly GradedAnswer[], first: string, second: string): PairScore[] {
  const scores = [...groupBy(graded, raterKey).values()].flatMap((own) => {
    const gradeOf = (name: string): Grade | undefined => own.find(({ system }) => system === name)?.grade;
    const [a, b] = [gradeOf(first), gradeOf(second)];
    if (a === undefined || b === undefined) return [];
    return [a === b ? 0.5 : Number(a < b)];
  });
  if (scores.length === 0) return [];
  return [{ image: graded[0].image, score: scores.reduce((sum, score) => sum + score, 0) / scores.length }];
}

/** Agreement of every two raters, and of all people together. */
export function agreement(graded: readonly GradedAnswer[]): Agreement {
  const raters = [...groupBy(graded, raterKey)].map(
    ([name, own]) => [name, new Map(own.map((one) => [answerKey(one), one.grade]))] as const,
  );
  const pairs = raters.flatMap(([first, firstGrades], i) =>
    raters.slice(i + 1).flatMap(([second, secondGrades]) => {
      const common = [...firstGrades].flatMap(([answer, grade]) => {
        const other = secondGrades.get(answer);
        return other === undefined ? [] : [[grade, other] as const];
      });
      return common.length === 0 ? [] : [{ first, second, ...pairAgreement(common) }];
    }),
  );
  const people = graded.filter(({ rater }) => !isJudge(rater));
  const fleiss = fleissOf(people);
  return fleiss === undefined ? { pairs } : { pairs, fleiss };
}

function pairAgreement(pairs: readonly (readonly [Grade, Grade])[]): Omit<PairAgreement, "first" | "second"> {
  return {
    answers: pairs.length,
    equal: pairs.filter(([a, b]) => a === b).length / pairs.length,
    kappa: orNull(cohenKappa(pairs, { order: gradeNames })),
    weightedKappa: orNull(cohenKappa(pairs, { order: gradeNames, weights: "quadratic" })),
  };
}

function fleissOf(people: readonly GradedAnswer[]): Agreement["fleiss"] {
  const raters = new Set(people.map(({ rater }) => rater)).size;
  if (raters < 3) return undefined;
  const shared = [...groupBy(people, answerKey).values()].filter(({ length }) => length > 1);
  if (shared.length === 0) return undefined;
  const rows = shared.map((all) =>
    gradeNames.map((name) => all.filter(({ grade }) => grade === name).length),
  );
  return { raters, answers: shared.length, kappa: orNull(fleissKappa(rows)) };
}

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** Answers that a judge graded differently in its two orders. */
export function inconsistencies(graded: readonly GradedAnswer[]): Inconsistency[] {
  const judged = graded.filter(({ order }) => order !== undefined);
  const pairs = groupBy(judged, (one) => JSON.stringify([one.rater, answerKey(one)]));
  return [...pairs.values()].flatMap((pair) => {
    const [first, second] = [1, 2].map((order) => pair.find((one) => one.order === order));
    if (first === undefined || second === undefined || first.grade === second.grade) return [];
    const { rater: judge, questionId, system } = first;
    return [{ judge, questionId, system, grades: [first.grade, second.grade] as const }];
  });
}
