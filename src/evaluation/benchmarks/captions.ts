import { z } from "zod";
import { fileName, joinPath, parentDirectory } from "../../platform/index.ts";
import { requireNoProblems } from "../error.ts";
import { groupBy } from "../group-by.ts";
import { bleu, bleuCounts, bleuOrders } from "../metrics/bleu.ts";
import { captionWords } from "../metrics/caption-words.ts";
import { ciderD } from "../metrics/cider.ts";
import { meteorLike } from "../metrics/meteor.ts";
import { rougeL } from "../metrics/rouge.ts";
import type { Statistics } from "../statistics.ts";
import type { Benchmark, BenchmarkItem, ItemScore } from "./benchmark.ts";
import { meanOf, meansBy } from "./figures.ts";
import { dataFile, folderWith, readJsonAs } from "./files.ts";

const schema = z.object({
  images: z.array(z.object({ id: z.int(), file_name: z.string(), domain: z.string().default("") })).min(1),
  annotations: z.array(z.object({ image_id: z.int(), caption: z.string() })),
});

interface CaptionItem extends BenchmarkItem {
  readonly picture: string;
  readonly captions: readonly string[];
  /** NoCaps: whether its objects occur in COCO. Else empty. */
  readonly domain: string;
}

async function read(data: string, pattern: RegExp, expected: string): Promise<CaptionItem[]> {
  const file = await dataFile(data, pattern, expected);
  const { images, annotations } = await readJsonAs(file, schema);
  const captions = groupBy(annotations, ({ image_id }) => image_id);
  requireNoProblems(
    file,
    "must hold captions of every picture",
    images.flatMap(({ id }) => (captions.has(id) ? [] : [`none of ${id}`])),
  );
  const split = /(?:train|val|test)20\d\d/.exec(fileName(file))?.[0];
  const folders = [...(split === undefined ? [] : [split]), "images", "val", "."];
  const folder = await folderWith(
    images[0].file_name,
    folders.map((name) => joinPath(parentDirectory(file), name)),
  );
  return images.map(({ id, file_name, domain }) => {
    const given = captions.get(id)!.map(({ caption }) => caption);
    return {
      id: String(id),
      group: String(id),
      expected: given.join(" / "),
      picture: joinPath(folder, file_name),
      captions: given,
      domain,
    };
  });
}

function score(items: readonly CaptionItem[], answers: readonly (readonly string[])[]): ItemScore[] {
  const captions = answers.map(([answer]) => captionWords(answer));
  const references = items.map((item) => item.captions.map(captionWords));
  const cider = ciderD(captions, references);
  return items.map(({ domain }, i) => {
    const { length, referenceLength, matches, totals } = bleuCounts(captions[i], references[i]);
    const byOrder = bleuOrders.flatMap((order, k) => [
      [`matches${order}`, matches[k]],
      [`total${order}`, totals[k]],
    ]);
    return {
      value: cider[i],
      rougeL: rougeL(captions[i], references[i]),
      meteorLike: meteorLike(captions[i], references[i]),
      length,
      referenceLength,
      ...Object.fromEntries(byOrder),
      domain,
    };
  });
}

function bleuOf(scores: readonly ItemScore[]): number[] {
  return bleu(
    scores.map((score) => ({
      length: Number(score.length),
      referenceLength: Number(score.referenceLength),
      matches: bleuOrders.map((order) => Number(score[`matches${order}`])),
      totals: bleuOrders.map((order) => Number(score[`total${order}`])),
    })),
  );
}

const figures = (scores: readonly ItemScore[]): Statistics => ({
  "CIDEr-D": meanOf(scores),
  ...meansBy(scores, "domain", "CIDEr-D"),
  ...Object.fromEntries(bleuOf(scores).map((value, i) => [`BLEU-${bleuOrders[i]}`, value])),
  "ROUGE-L": meanOf(scores, "rougeL"),
  "like METEOR": meanOf(scores, "meteorLike"),
});

const captioning = {
  instruction: "Write a one-sentence caption for this image.",
  settings: { maxNewTokens: 48 },
  pictures: ({ picture }: CaptionItem) => [picture],
  questions: (_: CaptionItem, instruction: string) => [instruction],
  score,
  figures,
};

/** Chen et al., Microsoft COCO Captions, 2015. */
export const cocoCaptions: Benchmark<CaptionItem> = {
  ...captioning,
  name: "coco-captions",
  description: "COCO captions: a sentence about a picture beside those of five people",
  files: "captions_*.json; pictures in a folder named like the split (val2014), images/ or beside it",
  read: (data) => read(data, /^captions_.*\.json$/i, "captions_*.json"),
};

/** Agrawal et al., nocaps: novel object captioning at scale, 2019. */
export const noCaps: Benchmark<CaptionItem> = {
  ...captioning,
  name: "nocaps",
  description: "NoCaps: captions of things that COCO's captions know, nearly know or do not know",
  files: "nocaps_*.json with captions; pictures in images/, val/ or beside it",
  read: (data) => read(data, /^nocaps_.*\.json$/i, "nocaps_*.json"),
};
