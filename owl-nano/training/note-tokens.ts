import type { StateDict } from "../../src/checkpoint/index.ts";
import { embedTokens, type OwlConfig, tokensPerImage } from "../../src/model/index.ts";
import {
  add,
  allocate,
  concat,
  dim,
  gather,
  type HostTensor,
  input,
  mul,
  reduceSum,
  reshape,
  type Scope,
  type Tensor,
} from "../../src/tensor/index.ts";
import { RELATIONS } from "../scenes/note-relations.ts";
import {
  NOTE_COLUMNS,
  type Note,
  type NoteWord,
  RELATIONS_PER_NOTE,
  WORDS_PER_NOTE,
} from "../scenes/notes.ts";

/** The notes of one picture, a cell each. */
export type Notes = readonly Note[];

/** Where the position codes of the cells' rows and columns and of the EOS token lie; only training needs them. */
const notePositions = "note_positions";
/** Where the codes of the relations lie, a row each; only training needs them. */
export const noteRelations = "note_relations.weight";

/** Whether a parameter is a code of the notes. */
export function isNoteCode(name: string): boolean {
  return name.startsWith(`${notePositions}.`) || name === noteRelations;
}

/** Rows and columns of the cells. */
function gridOf({ numQueryTokens }: OwlConfig): { rows: number; columns: number } {
  const columns = numQueryTokens % NOTE_COLUMNS === 0 ? NOTE_COLUMNS : numQueryTokens;
  return { rows: numQueryTokens / columns, columns };
}

/** The position code of each visual token [1, queries + 1, language hidden]: that of its row plus that of its column. */
function positionCodes(scope: Scope, config: OwlConfig): Tensor {
  const { rows, columns } = gridOf(config);
  const one = dim("one", 1);
  const hidden = dim("hidden", config.language.hidden);
  const initial = { kind: "normal", deviation: config.language.initializerRange } as const;
  const codes = scope.at(notePositions);
  const down = codes.parameter("rows", [one, dim("rows", rows), one, hidden], initial, "token");
  const across = codes.parameter("columns", [one, one, dim("columns", columns), hidden], initial, "token");
  const cells = reshape(add(down, across), [one, dim("queries", config.numQueryTokens), hidden]);
  const end = codes.parameter("end", [one, one, hidden], initial, "token");
  return concat([cells, end], 1, "visualTokens");
}

/**
 * The visual tokens that notes stand for, [images, queries + 1, language hidden]: in each cell the sum of its words' embeddings and its
 * relations' codes, each times its weight, and the cell's position code. Inputs: `note_ids` int64 and `note_weights` float32, both
 * [images, queries + 1, {@link WORDS_PER_NOTE}], and `relation_ids` and `relation_weights`, as many as {@link RELATIONS_PER_NOTE}.
 *
 * @param scope at the root
 */
export function noteTokens(scope: Scope, config: OwlConfig, images: number): Tensor {
  const tokens = dim("visualTokens", tokensPerImage(config));
  const hidden = dim("hidden", config.language.hidden);
  const [count, one] = [dim("images", images), dim("one", 1)];
  const summed = (name: string, each: number, embed: (ids: Tensor) => Tensor): Tensor => {
    const words = dim(`${name}s`, each);
    const ids = input(`${name}_ids`, "int64", [count, tokens, words]);
    const weights = input(`${name}_weights`, "float32", [count, tokens, words]);
    const loud = mul(embed(ids), reshape(weights, [count, tokens, words, one]));
    return reshape(reduceSum(loud, [2]), [count, tokens, hidden]);
  };
  const said = summed("note", WORDS_PER_NOTE, (ids) =>
    embedTokens(scope.at("language_model"), ids, config.language),
  );
  const codes = relationCodes(scope, config);
  const related = summed("relation", RELATIONS_PER_NOTE, (ids) => gather(codes, ids));
  return add(add(said, related), positionCodes(scope, config));
}

/** The code of each relation [relations, language hidden]. */
function relationCodes(scope: Scope, { language }: OwlConfig): Tensor {
  const initial = { kind: "normal", deviation: language.initializerRange } as const;
  const dims = [dim("relations", RELATIONS.length), dim("hidden", language.hidden)];
  const [module, name] = noteRelations.split(".");
  return scope.at(module).parameter(name, dims, initial, "token");
}

/** The inputs of {@link noteTokens}. */
export interface NoteFeeds extends Record<string, HostTensor> {
  readonly note_ids: HostTensor<"int64">;
  readonly note_weights: HostTensor<"float32">;
  readonly relation_ids: HostTensor<"int64">;
  readonly relation_weights: HostTensor<"float32">;
}

const rowOf = new Map(RELATIONS.map((relation, row) => [relation, row]));

/** The row of a relation in the table of {@link noteRelations}. */
export const relationRow = (relation: string): number => rowOf.get(relation)!;

/**
 * The inputs of {@link noteTokens} for the pictures of a batch.
 *
 * @param tokens visual tokens of a picture; those behind its notes (the EOS) say nothing
 * @param count pictures that the batch is built for; those that are missing say nothing
 * @param wordToken the token that a word is embedded as
 */
export function noteFeeds(
  pictures: readonly Notes[],
  tokens: number,
  count: number,
  wordToken: (word: string) => number,
): NoteFeeds {
  for (const notes of pictures)
    if (notes.length >= tokens)
      throw new RangeError(`notes: a picture must have at most ${tokens - 1}, got ${notes.length}`);
  const feeds = (each: number, said: (note: Note) => readonly NoteWord[], row: (word: string) => number) => {
    const ids = allocate("int64", [count, tokens, each]);
    const weights = allocate("float32", [count, tokens, each]);
    for (const [p, notes] of pictures.entries())
      for (const [cell, note] of notes.entries())
        for (const [w, { word, weight }] of said(note).slice(0, each).entries()) {
          const at = (p * tokens + cell) * each + w;
          ids.data[at] = BigInt(row(word));
          weights.data[at] = weight;
        }
    return { ids, weights };
  };
  const words = feeds(WORDS_PER_NOTE, (note) => note.words, wordToken);
  const relations = feeds(RELATIONS_PER_NOTE, (note) => note.relations, relationRow);
  return {
    note_ids: words.ids,
    note_weights: words.weights,
    relation_ids: relations.ids,
    relation_weights: relations.weights,
  };
}

/** What {@link noteTokens} makes of one picture's notes, of trained weights: [queries + 1, language hidden]. */
export function notedTokensOf(
  config: OwlConfig,
  weights: StateDict,
  notes: Notes,
  wordToken: (word: string) => number,
): Float32Array {
  const { hidden } = config.language;
  const { columns } = gridOf(config);
  const dataOf = (name: string): Float32Array => weights.get(name)!.data as Float32Array;
  const words = dataOf("language_model.model.embed_tokens.weight");
  const codes = dataOf(noteRelations);
  const tokens = new Float32Array(tokensPerImage(config) * hidden);
  const addRow = (cell: number, from: Float32Array, row: number, weight = 1): void => {
    for (let i = 0; i < hidden; i++) tokens[cell * hidden + i] += weight * from[row * hidden + i];
  };
  for (let cell = 0; cell < config.numQueryTokens; cell++) {
    addRow(cell, dataOf(`${notePositions}.rows`), Math.floor(cell / columns));
    addRow(cell, dataOf(`${notePositions}.columns`), cell % columns);
    for (const { word, weight } of notes[cell]?.words.slice(0, WORDS_PER_NOTE) ?? [])
      addRow(cell, words, wordToken(word), weight);
    for (const { word, weight } of notes[cell]?.relations.slice(0, RELATIONS_PER_NOTE) ?? [])
      addRow(cell, codes, relationRow(word), weight);
  }
  addRow(config.numQueryTokens, dataOf(`${notePositions}.end`), 0);
  return tokens;
}
