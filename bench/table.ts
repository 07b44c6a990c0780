/** A figure: less is better. */
export interface Row {
  readonly what: string;
  readonly unit: "ms" | "s" | "MB";
  /** As a person has it who sets no option. */
  readonly ours: number;
  /** With options that suit an idle machine. */
  readonly tuned?: number | undefined;
  readonly peer?: readonly [name: string, value: number] | undefined;
  /** What the machine takes at least. */
  readonly limit?: number | undefined;
}

const heads = [
  "",
  "unit",
  "ours by default",
  "ours tuned",
  "peer",
  "times as fast as the peer",
  "limit",
  "share of the limit",
];

/** Three digits that count. */
function shown(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return `${value}`;
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

const none = "–";

function cells({ what, unit, ours, tuned, peer, limit }: Row): string[] {
  return [
    what,
    unit,
    shown(ours),
    tuned === undefined ? none : shown(tuned),
    peer === undefined ? none : `${shown(peer[1])} ${peer[0]}`,
    peer === undefined ? none : shown(peer[1] / ours),
    limit === undefined ? none : shown(limit),
    limit === undefined ? none : `${Math.round((100 * limit) / ours)} %`,
  ];
}

/** Figures as a table of Markdown. Ratios are those of the default. */
export function markdownTable(rows: readonly Row[]): string {
  const line = (parts: readonly string[]): string => `| ${parts.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map((row) => line(cells(row)))].join("\n");
}
