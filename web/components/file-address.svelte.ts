import { session } from "../chat/session.svelte.ts";
import type { Attachment } from "../conversation/conversation.ts";

/** An address under which the page shows an attachment, as long as the component that asks for it is there. */
export class FileAddress {
  url = $state<string | undefined>();
  isGone = $state(false);

  constructor(attachment: () => Attachment) {
    // With every change that is stored an attachment is another object, of the same file.
    const id = $derived(attachment().id);
    $effect(() => {
      let url: string | undefined;
      let isOver = false;
      session
        .readFile({ id })
        .then((file) => {
          if (isOver) return;
          url = URL.createObjectURL(file);
          this.url = url;
        })
        .catch(() => {
          this.isGone = true;
        });
      return () => {
        isOver = true;
        if (url !== undefined) URL.revokeObjectURL(url);
      };
    });
  }
}
