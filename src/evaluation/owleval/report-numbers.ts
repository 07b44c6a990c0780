import type { GradedAnswer, Ungraded } from "./grades.ts";
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
  readonly ungraded: readonly Ungraded[];
}

/**
 * The numbers of a report.
 *
 * @param counts published ones, to stand beside
 * @param ungraded where judges gave no grades
 */
export function owlEvalReport(
  graded: readonly GradedAnswer[],
  counts?: GradeCountsFile,
  ungraded: readonly Ungraded[] = [],
): OwlEvalReport {
  return {
    verdicts: verdicts(graded),
    ...(counts !== undefined && {
      published: { source: counts.source, categories: talliesOfCounts(counts) },
    }),
    agreement: agreement(graded),
    inconsistencies: inconsistencies(graded),
    ungraded,
  };
}
