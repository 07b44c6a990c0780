import { hubRepoOf } from "../model-files/index.ts";
import { readRepoFile, readRepoName } from "./repo-name.ts";

/** A repo's name for a path in the hub's cache, else the last part of a path. */
export function nameOfModel(model: string): string {
  const cached = hubRepoOf(model);
  if (cached !== undefined) return cached;
  return /^[\w.-]+\/[\w.-]+$/.test(model) ? model : lastPart(model);
}

/** Of a path as any system writes it: a run may have been on another. */
const lastPart = (path: string): string =>
  path
    .split(/[\\/]/)
    .filter((part) => part !== "")
    .at(-1) ?? "";

/** Whether a base model is named by where it lies on some machine: no repo of the hub, file of one, or address. */
export function isLocalModel(model: string): boolean {
  const isName = readRepoName(model) !== undefined || readRepoFile(model) !== undefined;
  return !isName && !/^https?:\/\//i.test(model);
}
