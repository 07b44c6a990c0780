import { randomFor } from "../random.ts";
import type { QuestionRow } from "./rows.ts";

const SAMPLE_SEED = 20230430;

/** The least number of rows of an ability, where it has so many. */
const LEAST = 9;

/** A fixed sample of about `count` rows: of each ability its share, and at least a few. */
export function sampleRows(rows: readonly QuestionRow[], count: number): QuestionRow[] {
  const abilities = [...new Set(rows.map(({ ability }) => ability))];
  const chosen = new Set(
    abilities.flatMap((ability) => {
      const own = rows.filter((row) => row.ability === ability);
      const share = Math.max(LEAST, Math.round((own.length * count) / rows.length));
      return randomFor(SAMPLE_SEED, `sample ${ability}`, 0).shuffle(own).slice(0, share);
    }),
  );
  return rows.filter((row) => chosen.has(row));
}
