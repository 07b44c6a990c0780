import { CHARACTERS } from "../concepts/characters.ts";

/** Kinds of relations: which character stands before a cell's, which after it, and how many of its thing the picture has. */
export const RELATION_KINDS = ["before", "after", "among"] as const;
export type RelationKind = (typeof RELATION_KINDS)[number];

/** Behind the last character of a line, and before the first. */
const EDGE = "edge";
const GAP = "gap";
/** The most that are told apart: so many or more. */
const MOST = 9;

/** What each kind can say. */
const TOLD: Readonly<Record<RelationKind, readonly string[]>> = {
  before: [...CHARACTERS, GAP, EDGE],
  after: [...CHARACTERS, GAP, EDGE],
  among: Array.from({ length: MOST }, (_, i) => `${i + 1}`),
};

/** The relations of a kind, by class. */
export const relationsOf = (kind: RelationKind): string[] => TOLD[kind].map((told) => `${kind} ${told}`);

/** Every relation that a note can say. */
export const RELATIONS: readonly string[] = RELATION_KINDS.flatMap(relationsOf);

export const kindOfRelation = (relation: string): RelationKind => relation.split(" ")[0] as RelationKind;

/** All relations of the kind of this one. */
export const relationsLike = (relation: string): string[] => relationsOf(kindOfRelation(relation));

const neighbor = (character: string | undefined): string =>
  character === undefined ? EDGE : character === " " ? GAP : character;

/** @param character what stands before, a space too; undefined at the beginning of a line */
export const beforeRelation = (character: string | undefined): string => `before ${neighbor(character)}`;

/** @param character what stands behind, a space too; undefined at the end of a line */
export const afterRelation = (character: string | undefined): string => `after ${neighbor(character)}`;

/** @param count how many things of a name the picture has */
export const amongRelation = (count: number): string => `among ${Math.min(MOST, count)}`;
