/** What an answer to a yes-or-no question says. */
export type YesNo = "yes" | "no" | "other";

/**
 * What an answer says by POPE's rule (Li et al., Evaluating Object Hallucination in Large Vision-Language Models, 2023;
 * the released code): no where its first sentence has the word `No`, `no` or `not`, else yes, whatever it says.
 */
export function popeAnswer(answer: string): "yes" | "no" {
  const words = answer.split(".")[0].replaceAll(",", "").split(/\s+/);
  return words.some((word) => ["No", "no", "not"].includes(word)) ? "no" : "yes";
}

/**
 * What an answer says by MME's rule (Fu et al., MME, 2023; the released code): whichever of yes and no stands in its
 * first four letters.
 */
export function mmeAnswer(answer: string): YesNo {
  const start = answer.trim().toLowerCase().slice(0, 4);
  if (start.includes("yes")) return "yes";
  return start.includes("no") ? "no" : "other";
}

/** How well yes is told from no. */
export interface YesNoFigures {
  readonly accuracy: number;
  /** Of those answered with yes, how many are; 0 where none was. */
  readonly precision: number;
  /** Of those that are, how many were answered with yes; 0 where there are none. */
  readonly recall: number;
  readonly f1: number;
  /** How many were answered with yes. */
  readonly yesRatio: number;
}

/** @param answers for each question what is so and what was said */
export function yesNoFigures(
  answers: readonly { readonly truth: YesNo; readonly said: YesNo }[],
): YesNoFigures {
  const count = (truth: YesNo | undefined, said: YesNo): number =>
    answers.filter((one) => (truth === undefined || one.truth === truth) && one.said === said).length;
  const hits = count("yes", "yes");
  const positives = answers.filter(({ truth }) => truth === "yes").length;
  const saidYes = count(undefined, "yes");
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return {
    accuracy: share(hits + count("no", "no"), answers.length),
    precision: share(hits, saidYes),
    recall: share(hits, positives),
    f1: share(2 * hits, saidYes + positives),
    yesRatio: share(saidYes, answers.length),
  };
}
