import {
  type Agreement,
  aggregateCounts,
  agreement,
  type GradeSummary,
  gradeSummaries,
  type Inconsistency,
  inconsistencies,
} from "./aggregate.ts";
import type { GradedAnswer, Ungraded } from "./grades.ts";
import type { GradeCountsFile } from "./released-counts.ts";

/** Published grades, shown beside one's own. */
export interface PublishedGrades {
  readonly source: string;
  readonly categories: GradeSummary["categories"];
}

/** The content of report.json. */
export interface OwlEvalReport {
  readonly verdicts: readonly GradeSummary[];
  readonly published?: PublishedGrades;
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
    verdicts: gradeSummaries(graded),
    ...(counts !== undefined && {
      published: { source: counts.source, categories: aggregateCounts(counts) },
    }),
    agreement: agreement(graded),
    inconsistencies: inconsistencies(graded),
    ungraded,
  };
}
