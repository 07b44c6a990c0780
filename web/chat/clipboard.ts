import { notices } from "./notices.svelte.ts";

/** Copies a text and shows `words` as a notice. */
export async function copyAndTell(text: string, words: string): Promise<void> {
  if (await copyText(text)) notices.info(words);
  else notices.problem("This browser does not let the page copy.");
}

/** Copies a text; false where the browser does not let the page. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyFromField(text);
  }
}

/** Pages without https have no clipboard; a selected field can still be copied. */
function copyFromField(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  const focused = document.activeElement as HTMLElement | null;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return isCopied;
}

/** Gives a text to the person as a file. */
export function saveAsFile(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: some browsers read the address only after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
