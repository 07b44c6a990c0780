import fc from "fast-check";
import { expect, test } from "vitest";
import { parseMarkdown } from "./blocks.ts";

test("what models write", () => {
  expect(parseMarkdown("# Owls\nAn **owl** *flies* `at()` night &amp; day\nsoftly")).toEqual([
    { kind: "heading", depth: 1, content: [{ kind: "text", text: "Owls" }] },
    {
      kind: "paragraph",
      content: [
        { kind: "text", text: "An " },
        { kind: "strong", content: [{ kind: "text", text: "owl" }] },
        { kind: "text", text: " " },
        { kind: "emphasis", content: [{ kind: "text", text: "flies" }] },
        { kind: "text", text: " " },
        { kind: "code", text: "at()" },
        { kind: "text", text: " night & day" },
        { kind: "break" },
        { kind: "text", text: "softly" },
      ],
    },
  ]);
  expect(parseMarkdown("```js extra\n<b>\n```")).toEqual([{ kind: "code", language: "js", text: "<b>" }]);
});

test("lists, tasks, quotes and tables", () => {
  expect(parseMarkdown("3. one\n4. two")).toMatchObject([
    { kind: "list", start: 3, items: [{ done: undefined }, { blocks: [{ kind: "paragraph" }] }] },
  ]);
  expect(parseMarkdown("- [x] done\n- [ ] open")).toMatchObject([
    { items: [{ done: true }, { done: false }] },
  ]);
  expect(parseMarkdown("> a\n> - b")).toMatchObject([
    { kind: "quote", blocks: [{ kind: "paragraph" }, { kind: "list" }] },
  ]);
  expect(parseMarkdown("|a|b|\n|-|:-:|\n|1|2|")).toMatchObject([
    { kind: "table", head: [{ align: null }, { align: "center" }], rows: [[{}, {}]] },
  ]);
});

test("HTML is text, pictures are links, and links lead to pages and mail only", () => {
  expect(parseMarkdown("<script>alert(1)</script>")).toEqual([
    { kind: "paragraph", content: [{ kind: "text", text: "<script>alert(1)</script>" }] },
  ]);
  expect(parseMarkdown("a<img src=x onerror=alert(1)>")[0]).toMatchObject({
    content: [{ text: "a" }, { kind: "text", text: "<img src=x onerror=alert(1)>" }],
  });
  expect(parseMarkdown("![owl](https://example.com/owl.png)")[0]).toMatchObject({
    content: [{ kind: "link", address: "https://example.com/owl.png", content: [{ text: "owl" }] }],
  });
  for (const address of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "/x",
    "//x",
    "x",
  ]) {
    expect(JSON.stringify(parseMarkdown(`[a](${address}) ![b](${address}) <${address}>`))).not.toContain(
      '"link"',
    );
  }
});

test("any text is read, and every beginning of it, as it grows", () => {
  const pieces = [
    "# ",
    "- ",
    "1. ",
    "> ",
    "|a|\n|-|\n",
    "```\n",
    "`",
    "**",
    "[x](",
    ")",
    "<b",
    ">",
    "&lt;",
    "\n",
    "\n\n",
    "owl ",
    "~~",
    "- [ ] ",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 20 }), (parts) => {
      for (let count = 0; count <= parts.length; count++) parseMarkdown(parts.slice(0, count).join(""));
    }),
    { seed: 1, numRuns: 200 },
  );
});
