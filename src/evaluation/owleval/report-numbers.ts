import type { GradedAnswer } from "./grades.ts";
import type { GradeCountsFile } from "./released-counts.ts";
import {
  type Agreement,
  agreement,
  type Inconsistency,
  inconsistencies,
  talliesOfCounts,
  type Verdict,
  verdicts,
} from "./tally.ts";

/** Tallies that were published, to be shown beside one's own. */
export interface PublishedTallies {
  readonly source: string;
  readonly categories: Verdict["categories"];
}

/** Everything that a report says, as it stands in report.json. */
export interface OwlEvalReport {
  readonly verdicts: readonly Verdict[];
  readonly published?: PublishedTallies;
  readonly agreement: Agreement;
  readonly inconsistencies: readonly Inconsistency[];
}

/** The numbers of a report. */
export function owlEvalReport(graded: readonly GradedAnswer[], counts?: GradeCountsFile): OwlEvalReport {
  return {
    verdicts: verdicts(graded),
    ...(counts !== undefined && {
      published: { source: counts.source, categories: talliesOfCounts(counts) },
    }),
    agreement: agreement(graded),
    inconsistencies: inconsistencies(graded),
  };
}
