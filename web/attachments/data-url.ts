/** The file in a data: URL of base64. (A page's Content-Security-Policy may forbid to fetch one.) */
export function fromDataUrl(url: string): Blob {
  const comma = url.indexOf(",");
  const type = url.slice("data:".length, url.indexOf(";"));
  const bytes = Uint8Array.from(atob(url.slice(comma + 1)), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type });
}
