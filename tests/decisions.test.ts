import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { anchorOf } from "./headings.ts";

const docs = fileURLToPath(new URL("../docs", import.meta.url));
const statusLine =
  /^(\d{4}-\d\d-\d\d) · (?:(holds|failed experiment)|(holds in part), see \[.+|(superseded) by \[.+)$/;

/** The rows of the index for one file: each record's title, date and status, in the file's order. */
function indexRows(file: string): string[] {
  const records = readFileSync(join(docs, "decisions", file), "utf8")
    .split(/^## /m)
    .slice(1);
  return records.map((record) => {
    const [title, line, blank, ...text] = record.split("\n");
    const [, date, ...statuses] = statusLine.exec(line) ?? [];
    if (date === undefined || blank !== "" || text.join("").trim() === "") {
      throw new Error(
        `docs/decisions/${file}, "${title}": must begin with "date · status" as in the other records, got "${line}"`,
      );
    }
    return `| [${title}](decisions/${file}#${anchorOf(title)}) | ${date} | ${statuses.find((name) => name)} |`;
  });
}

test("every decision has a date and a status, and stands in the index", () => {
  const files = readdirSync(join(docs, "decisions"));
  const rows = readFileSync(join(docs, "decisions.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ["));
  expect([...rows].sort()).toEqual(files.flatMap(indexRows).sort());
});
