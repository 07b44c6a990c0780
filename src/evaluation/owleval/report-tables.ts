import type { GradeSummary, PairAgreement, SystemGrades } from "./aggregate.ts";
import { intervalText, ranked } from "./figure.ts";
import { gradeNames } from "./grades.ts";
import { abilities, abilityNames, categories, categoryNames } from "./questions.ts";
import type { OwlEvalReport } from "./report-numbers.ts";

/** A table of a report: texts, to be escaped by whoever writes them down. */
export interface ReportTable {
  readonly title: string;
  /** How to read it. */
  readonly note?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const decimal = (value: number): string => String(Math.round(value * 10) / 10);
const kappa = (value: number | null): string => (value === null ? "–" : value.toFixed(2));
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** The tables of one summary, beside its figures. */
export function verdictTables(verdict: GradeSummary): ReportTable[] {
  return [gradeTable(verdict.categories), abilityTable(verdict), winTable(verdict)].filter(
    ({ rows }) => rows.length > 0,
  );
}

/** Numbers of grades by kind of question and system. */
export function gradeTable(entries: GradeSummary["categories"], title = "Grades"): ReportTable {
  return {
    title,
    head: ["questions", "system", ...gradeNames, "n", "A or B"],
    rows: categoryNames.flatMap((name) =>
      ranked(entries[name]).map((entry) => [categories[name], entry.system, ...numbers(entry)]),
    ),
  };
}

function abilityTable(verdict: GradeSummary): ReportTable {
  return {
    title: "Abilities",
    note: "A question may ask for several.",
    head: ["ability", "system", ...gradeNames, "n", "A or B"],
    rows: abilityNames.flatMap((name) =>
      ranked(verdict.abilities[name]).map((entry) => [
        `${name}: ${abilities[name]}`,
        entry.system,
        ...numbers(entry),
      ]),
    ),
  };
}

const numbers = ({ counts, answers, acceptable }: SystemGrades): string[] => [
  ...gradeNames.map((name) => decimal(counts[name])),
  String(answers),
  intervalText(acceptable),
];

function winTable({ winRates }: GradeSummary): ReportTable {
  return {
    title: "Win rates",
    note: "How often the first system's answer got the better grade; equal grades count half.",
    head: ["first", "second", "first wins", "questions"],
    rows: winRates.map((rate) => [rate.first, rate.second, intervalText(rate), String(rate.questions)]),
  };
}

/** How far raters agree, judges among them. */
export function agreementTables(report: OwlEvalReport): ReportTable[] {
  const { agreement, inconsistencies, verdicts, ungraded } = report;
  const { pairs, fleiss } = agreement;
  const together =
    fleiss === undefined
      ? ""
      : `Fleiss's kappa of ${fleiss.raters} people over the ${fleiss.answers} answers that two or more graded: ${kappa(fleiss.kappa)}. `;
  const judged = verdicts.some(({ by }) => by !== "people");
  const tables: ReportTable[] = [
    {
      title: "Agreement",
      note: `${together}Cohen's kappa is 1 for whole agreement, 0 for that of chance; the weighted one forgives near misses.${judged ? " A judge's two orders stand for themselves: their kappa is its agreement with itself." : ""}`,
      head: ["rater", "rater", "answers", "equal", "Cohen's kappa", "weighted by the distance's square"],
      rows: pairs.map(pairRow),
    },
    {
      title: "Where a judge contradicts itself",
      note: "The same answers, in the opposite order.",
      head: ["judge", "question", "system", "first order", "second order"],
      rows: inconsistencies.map(({ judge, questionId, system, grades }) => [
        judge,
        String(questionId),
        system,
        ...grades,
      ]),
    },
    {
      title: "Where a judge gave no grades",
      head: ["judge", "question", "order", "why"],
      rows: ungraded.map(({ judge, questionId, order, problem }) => [
        judge,
        String(questionId),
        String(order),
        problem,
      ]),
    },
  ];
  return tables.filter(({ rows }) => rows.length > 0);
}

const pairRow = ({ first, second, answers, equal, kappa: plain, weightedKappa }: PairAgreement): string[] => [
  first,
  second,
  String(answers),
  percent(equal),
  kappa(plain),
  kappa(weightedKappa),
];

/** How the numbers came about, in a sentence or two. */
export function aboutVerdict({ by, raters }: GradeSummary): string {
  const who =
    by === "people"
      ? `Graded blind by ${raters.length === 1 ? "one person" : `${raters.length} people`} (${raters.join(", ")}).`
      : `Graded by a language model (${by.replace("judge:", "")}), each answer twice: in an order of the answers and in the opposite one.`;
  const shared =
    by === "people" && raters.length === 1 ? "" : " An answer counts one, shared among its grades.";
  return `${who}${shared} Intervals are bootstrap intervals in which the questions about one picture go together.`;
}
