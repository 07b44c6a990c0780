import { z } from "zod";
import { readJson } from "../../platform/index.ts";
import { requireNoProblems } from "../error.ts";
import { issueText } from "../jsonl-log.ts";
import { gradeNames } from "./grades.ts";

const count = z.int().nonnegative();
const countsSchema = z.strictObject({ A: count, B: count, C: count, D: count });

const fileSchema = z.strictObject({
  /** Where the counts come from, for the figure's legend. */
  source: z.string().min(1),
  systems: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        single_turn: countsSchema.optional(),
        multi_turn: countsSchema.optional(),
      }),
    )
    .min(1),
});

/** Grades of which only their numbers are known: how many answers of each system got which, by category. */
export type GradeCountsFile = z.infer<typeof fileSchema>;

/**
 * The grades that people gave in the paper (arXiv 2304.14178, version 3: the figure that compares mPLUG-Owl with four
 * systems on OwlEval). Grades of single answers were not released.
 */
export const releasedCounts: GradeCountsFile = {
  source: "arXiv 2304.14178",
  systems: [
    released("OpenFlamingo", [5, 5, 15, 25], [4, 4, 16, 28]),
    released("BLIP-2", [13, 13, 9, 15], [13, 10, 17, 12]),
    released("LLaVA", [23, 12, 13, 2], [16, 17, 19, 0]),
    released("MiniGPT-4", [35, 3, 10, 2], [25, 6, 21, 0]),
    released("mPLUG-Owl", [32, 10, 8, 0], [31, 8, 13, 0]),
  ],
};

type FourCounts = readonly [A: number, B: number, C: number, D: number];

function released(name: string, single: FourCounts, multi: FourCounts): GradeCountsFile["systems"][number] {
  const named = ([A, B, C, D]: FourCounts): z.infer<typeof countsSchema> => ({ A, B, C, D });
  return { name, single_turn: named(single), multi_turn: named(multi) };
}

/**
 * Counts from a JSON file of the form of {@link releasedCounts}.
 *
 * @throws EvaluationError naming all that is wrong in it
 */
export async function readGradeCounts(path: string): Promise<GradeCountsFile> {
  const parsed = fileSchema.safeParse(await readJson(path));
  const problems = parsed.success ? [] : parsed.error.issues.map(issueText);
  requireNoProblems(path, `must hold numbers of grades ${gradeNames.join(", ")} by system`, problems);
  return parsed.data ?? releasedCounts;
}
