import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { abilityChart, abilityTable, chartedFigures, type MeasuredRun } from "../evaluation/ability-chart.ts";
import { type Figure, isPart } from "../evaluation/figures.ts";
import { marksOf, withMarkedPart } from "../evaluation/marked-part.ts";
import { ABLATION_STEPS } from "./runs.ts";

/** A run, and what it is called where there is little room. */
export interface KeyedRun extends MeasuredRun {
  readonly key: string;
}

export interface AblationSizes {
  readonly seeds: number;
  readonly steps: number;
}

const MARKS = marksOf("npm run owl-nano -- --ablation");

const { language, reading, align } = ABLATION_STEPS;

/** The document as it is before anything is said about the figures. */
const DOCUMENT = `# The paper's ablation, in small

    npm run owl-nano -- --ablation      # when the owl's vision and layout stages are trained; goes on where it was stopped

The paper (arXiv 2304.14178) leaves out stage 1 and each kind of instructions of stage 2, and tells in words what is lost. The same is done
here with [owl-nano](../owl-nano/README.md), and two things more that its stand-ins for CLIP and LLaMA make possible.

${MARKS.begin}
${MARKS.end}

## What the paper says, and what is seen here

| the paper | look at | here |
|---|---|---|
| Without instructions the model understands instructions badly. | D beside full: a, forms | |
| Without multimodal pre-training it follows instructions but lacks what can be seen. | A beside full: a, b, c | |
| Instructions in text alone help most with understanding instructions. | C beside D: a, small talk, skills | |
| Instructions about pictures help most with knowledge and reasoning. | B beside D: d, e | |
| Both stages with both kinds are best. | full beside all | |
| Instructions about pictures help even answers about text. | full beside C: facts, talk, skills asked in words | |
| (ours) A small language model must be taught to read from its context. | E beside full | |
| (ours) The vision encoder must be trained before stage 1. | F beside full | |

## What differs

| run | language | vision, layout | stage 1 | stage 2 |
|---|---|---|---|---|
| full | facts, captions behind notes, a few conversations in words | as the owl that ships | reading, align | all |
| A | the same | the same | none: a random abstractor, the vision encoder frozen | all |
| B | the same | the same | as full | conversations about pictures alone |
| C | the same | the same | as full | conversations in words alone |
| D | the same | the same | as full | none |
| E | the same texts, captions without notes | the same | align from a random abstractor | all |
| F | as full | none | align from random vision encoder and abstractor | all |

- **The language model of all runs is not that of the owl that ships.** That one has read conversations about pictures, given as notes, before
  it sees any; without instructions in stage 2 it would still follow them. A LLaMA has read nearly everything, and been asked little. So the
  language stage here has facts, captions behind the notes of their pictures, and one text in twenty a conversation in words. It is nearer to
  the paper's beginning, and these owls are weaker than the one that ships; compare them with each other.
- It has read some conversations all the same, as a LLaMA has; so C and D are no strangers to questions in words.
- Our reading stage, with the weights that its abstractor begins with, counts as stage 1. A does without both. It needs notes and a layout
  stage, so E and F do without it, and lose that too; align alone, from a random abstractor, is the paper's stage 1.
- In stage 2 the abstractor learns at a tenth of the rate, in A too, where it begins at random.
- Lengths are equal: language ${language} steps, reading ${reading}, align ${align}, and stage 2 as said above, one recipe for all. A seed is one of stage 2: the order
  of its texts and the first LoRA. D has no stage 2 and so one seed.
- Each run is asked the same questions, a fixed sample of [owleval-nano](../owl-nano/owleval-nano/README.md), in which every ability has its share.
- A figure is the mean of the seeds. Its interval (95 %) has two parts, added as independent ones are: what another choice of questions and
  drawings would change (the mean of the seeds' intervals, Wilson's, for as many questions as there are independent drawings), and what
  the seeds differ by (a normal one, which from two or three is a rough guess). As all runs are asked the same, the difference of two runs is
  surer than their intervals look. The seeds of the stages before stage 2 were not varied.
`;

/** What was asked of all runs alike: not what only those questions count for that a run has answered in part. */
function comparable(runs: readonly KeyedRun[]): Figure[] {
  const asked = runs.flatMap(({ seeds }) =>
    seeds.map((figures) => new Map(chartedFigures(figures).map(({ ability, score }) => [ability, score.of]))),
  );
  return chartedFigures(runs[0].seeds[0]).filter(({ ability, score }) =>
    asked.every((counts) => counts.get(ability) === score.of),
  );
}

const nameOf = ({ ability }: Figure): string => ability;

/** What stands between the marks. */
function written(runs: readonly KeyedRun[], { seeds, steps }: AblationSizes): string {
  const [first] = runs[0].seeds;
  const named = runs.map((run) => ({ ...run, name: run.key }));
  const names = runs.map(({ key, name }) => (key === name ? name : `**${key}**${name.slice(key.length)}`));
  return [
    `${first.overall.score.of} questions; ${steps} steps of stage 2; ${seeds === 1 ? "one seed" : `${seeds} seeds`}. ${names.join("; ")}.`,
    "![abilities of each run](ablation.svg)",
    "Bars: the mean, with its interval; dots: the seeds; lines across, edged in white: the same owl shown grey.",
    abilityTable(named, comparable(runs).map(nameOf)),
  ].join("\n\n");
}

/** The document with new figures; what stands outside the marks is kept. */
export function withFigures(document: string, runs: readonly KeyedRun[], sizes: AblationSizes): string {
  return withMarkedPart(document, MARKS, written(runs, sizes), "ablation: the document");
}

/** Writes ablation.md and ablation.svg into a folder. */
export function writeDocument(folder: string, runs: readonly KeyedRun[], sizes: AblationSizes): void {
  const path = join(folder, "ablation.md");
  const before = existsSync(path) ? readFileSync(path, "utf8") : DOCUMENT;
  const charted = comparable(runs).filter((figure) => !isPart(figure));
  writeFileSync(join(folder, "ablation.svg"), `${abilityChart(runs, charted.map(nameOf))}\n`);
  writeFileSync(path, withFigures(before, runs, sizes));
}
