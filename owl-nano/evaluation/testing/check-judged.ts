import { expect } from "vitest";
import { type Judged, judge } from "../judging.ts";

/** An answer and whether it is right. */
export type Case = readonly [answer: string, right: boolean];

/** Expects each of these answers to be judged so. */
export function check(
  turn: Omit<Judged, "ability"> & { readonly ability?: string },
  cases: readonly Case[],
): void {
  const judged = cases.map(([answer]) => [answer, judge({ ability: "name", ...turn }, answer).right]);
  expect(judged).toEqual(cases);
}
