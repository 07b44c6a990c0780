const splitName = /-(\d{5})-of-(\d{5})\.gguf$/i;

/** The files of the model that a GGUF file is of: those that are numbered alike, the first of which has the metadata. */
export function ggufParts(path: string): string[] {
  const count = Number(splitName.exec(path)?.[2] ?? 1);
  if (count <= 1) return [path];
  const name = (i: number): string =>
    path.replace(splitName, (_, __, total) => `-${String(i + 1).padStart(5, "0")}-of-${total}.gguf`);
  return Array.from({ length: count }, (_, i) => name(i));
}
