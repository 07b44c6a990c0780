export {
  type BenchmarkResult,
  type RunIdentity,
  readBenchmarkResult,
} from "./benchmark-result.ts";
export {
  answersPath,
  type BenchmarkPlan,
  type BenchmarkRunOptions,
  planBenchmark,
  runBenchmark,
  runBenchmarkShard,
} from "./benchmark-run.ts";
export { benchmarks, measures } from "./benchmarks/all.ts";
export type { Benchmark, BenchmarkItem, ItemScore, Measure } from "./benchmarks/benchmark.ts";
export { perplexityMeasure, readTextWindows } from "./benchmarks/perplexity.ts";
export {
  type ChangedItem,
  type Comparison,
  compareResults,
  comparisonLines,
  figureText,
} from "./compare.ts";
export { type ComparePageOptions, writeComparePage } from "./compare-page.ts";
export { askEndpoint, type Endpoint, type EndpointSettings, endpointSystem } from "./endpoint.ts";
export { EvaluationError, RefusedError } from "./error.ts";
export type {
  Agreement,
  GradeCounts,
  GradeSummary,
  Inconsistency,
  SystemGrades,
  WinRate,
} from "./owleval/aggregate.ts";
export { type AnswerRow, readAnswers, type SystemAnswers } from "./owleval/answers.ts";
export { type GetOptions, getOwlEval } from "./owleval/get.ts";
export {
  type Grade,
  type GradedAnswer,
  type GradeRecord,
  gradeNames,
  grades,
  readGrades,
  readUngraded,
  type Ungraded,
} from "./owleval/grades.ts";
export { type JudgeOptions, judgeAnswers } from "./owleval/judge.ts";
export { type PublishedFile, publishedAddress, publishedFiles } from "./owleval/published-files.ts";
export {
  type Ability,
  abilities,
  type Category,
  type OwlEvalSet,
  type Question,
  readOwlEval,
} from "./owleval/questions.ts";
export { ratingApp } from "./owleval/rating-app.ts";
export { type Judgement, type RaterView, RatingSession } from "./owleval/rating-session.ts";
export { type GradeCountsFile, readGradeCounts, releasedCounts } from "./owleval/released-counts.ts";
export { writeReport } from "./owleval/report.ts";
export { type OwlEvalReport, owlEvalReport } from "./owleval/report-numbers.ts";
export { type OwlEvalRunOptions, runOwlEval, runOwlEvalShard } from "./owleval/run.ts";
export { drawing, element, label } from "./owleval/svg.ts";
export { type PerplexityOptions, runPerplexity } from "./perplexity-run.ts";
export { type Shard, shardPath } from "./shard.ts";
export * from "./statistics.ts";
export { checkpointDigest, type EvaluatedSystem, modelSystem, type SystemAnswer } from "./system.ts";
