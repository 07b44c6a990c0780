type Attributes = Readonly<Record<string, string | number>>;

const escapes: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that may stand between tags and in attributes. What XML cannot hold at all becomes a replacement character. */
export function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => escapes[character])
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}

/** An element with children that are markup already. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(numeral(value))}"`);
  return children.length === 0
    ? `<${name}${written.join("")}/>`
    : `<${name}${written.join("")}>${children.join("")}</${name}>`;
}

const numeral = (value: string | number): string =>
  typeof value === "number" ? String(Math.round(value * 100) / 100) : value;

/** A line of text; `anchor` is where its `x` lies. */
export function label(
  x: number,
  y: number,
  text: string,
  attributes: Attributes & { readonly anchor?: "start" | "middle" | "end" } = {},
): string {
  const { anchor = "start", ...rest } = attributes;
  return element("text", { x, y, "text-anchor": anchor, ...rest }, escaped(text));
}

/** A whole drawing on white ground. */
export function drawing(width: number, height: number, title: string, ...content: string[]): string {
  const fonts = "'DejaVu Sans', Verdana, 'Helvetica Neue', Arial, sans-serif";
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${Math.round(width)} ${Math.round(height)}`,
    role: "img",
    "font-family": fonts,
    "font-size": 13,
    fill: "#1b1f24",
  };
  const ground = element("rect", { width, height, fill: "#ffffff" });
  return element("svg", attributes, element("title", {}, escaped(title)), ground, ...content);
}
