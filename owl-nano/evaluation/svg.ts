/** Colors that people who see colors differently can tell apart (Okabe and Ito 2008). */
export const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#7a5c00"] as const;

const INK = "#333";
const FAINT = "#ddd";

export interface TextOptions {
  readonly size?: number;
  readonly anchor?: "start" | "middle" | "end";
  readonly color?: string;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const shortened = (value: number): string => String(Math.round(value * 10) / 10);

/** A line of text. */
export function text(x: number, y: number, content: string, options: TextOptions = {}): string {
  const { size = 11, anchor = "start", color = INK } = options;
  return `<text x="${shortened(x)}" y="${shortened(y)}" font-size="${size}" text-anchor="${anchor}" fill="${color}">${escaped(content)}</text>`;
}

/** A straight line, as of an axis or an interval. */
export function line(
  from: readonly [number, number],
  to: readonly [number, number],
  color = INK,
  width = 1,
): string {
  const [x1, y1, x2, y2] = [...from, ...to].map(shortened);
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" stroke-width="${width}"/>`;
}

/** A faint line behind data. */
export function gridLine(from: readonly [number, number], to: readonly [number, number]): string {
  return line(from, to, FAINT);
}

/** A box without an outline. */
export function box(
  x: number,
  y: number,
  size: { readonly width: number; readonly height: number },
  color: string,
): string {
  return `<rect x="${shortened(x)}" y="${shortened(y)}" width="${shortened(size.width)}" height="${shortened(size.height)}" fill="${color}"/>`;
}

/** A small disc. */
export function dot(x: number, y: number, radius: number, color: string): string {
  return `<circle cx="${shortened(x)}" cy="${shortened(y)}" r="${radius}" fill="${color}"/>`;
}

/** A line through points. */
export function path(points: readonly (readonly [number, number])[], color: string): string {
  const at = points.map(([x, y]) => `${shortened(x)},${shortened(y)}`).join(" ");
  return `<polyline points="${at}" fill="none" stroke="${color}" stroke-width="1.5"/>`;
}

/** A whole drawing on white, so that it is legible on dark pages too. */
export function drawing(width: number, height: number, title: string, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}
