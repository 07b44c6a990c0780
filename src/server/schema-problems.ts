import type { z } from "zod";
import { shortened } from "../platform/index.ts";

/** One thing that is wrong with a request. */
export interface Problem {
  /** Where: `messages[0].content`; empty for the request as a whole. */
  readonly param: string;
  readonly text: string;
  /** The error code of OpenAI's protocol. */
  readonly code: "unsupported_parameter" | "missing_required_parameter" | "invalid_type" | "invalid_value";
}

type Issue = z.core.$ZodIssue;

/** What a schema found wrong, in words for the author of the request. */
export function schemaProblems(issues: readonly Issue[], prefix: readonly PropertyKey[] = []): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        param: paramOf([...path, key]),
        text: "no such field is supported here",
        code: "unsupported_parameter",
      }));
    }
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      return schemaProblems(nearest(issue.errors), path);
    }
    return [{ param: paramOf(path), text: textOf(issue), code: codeOf(issue) }];
  });
}

/** Of several forms that a value may have, the one it is nearest to: the one whose problems are nested deepest. */
function nearest(forms: readonly (readonly Issue[])[]): readonly Issue[] {
  const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map(({ path }) => path.length));
  const isOtherType = (issues: readonly Issue[]): boolean =>
    issues.some(({ code, path }) => code === "invalid_type" && path.length === 0);
  const [best] = [...forms].sort(
    (a, b) => Number(isOtherType(a)) - Number(isOtherType(b)) || depth(b) - depth(a),
  );
  return best;
}

function paramOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number"
        ? `${text}[${key}]`
        : `${text}${text === "" ? "" : "."}${shortened(String(key), 80)}`,
    "",
  );
}

function codeOf(issue: Issue): Problem["code"] {
  if (issue.code === "custom" && issue.params?.unsupported === true) return "unsupported_parameter";
  if (issue.code !== "invalid_type") return "invalid_value";
  return isMissing(issue) ? "missing_required_parameter" : "invalid_type";
}

const isMissing = ({ message }: Issue): boolean => message.endsWith("received undefined");

function textOf(issue: Issue): string {
  const message = issue.message.replace(/^Invalid input: /, "").replace(/^Invalid option: /, "");
  if (issue.code === "invalid_union" && "discriminator" in issue) {
    const known =
      "options" in issue && Array.isArray(issue.options) ? `; there are ${issue.options.join(", ")}` : "";
    return `no such ${String(issue.discriminator)} is supported here${known}`;
  }
  // JSON has no undefined value.
  const said = message.replace(/received undefined$/, "received nothing");
  return said.replace(/^Too/, "too").replace(/^Invalid/, "invalid");
}
