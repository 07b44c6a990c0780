import { AttachmentError, prepareFile } from "../attachments/prepare.ts";
import type { Attachment, UserTurn } from "../conversation/conversation.ts";
import { choices } from "./choices.svelte.ts";
import { notices } from "./notices.svelte.ts";
import { session } from "./session.svelte.ts";

/** A question that is being written. */
export class Draft {
  text = $state("");
  attachments = $state.raw<readonly Attachment[]>([]);
  /** Files that are being read. */
  pending = $state(0);

  /** The turn that the question follows; absent: the last on view. */
  readonly #parent: string | null | undefined;

  /** @param question one that was asked already, to be edited */
  constructor(question?: UserTurn) {
    this.text = question?.text ?? "";
    this.attachments = question?.attachments ?? [];
    this.#parent = question?.parent;
  }

  get isEmpty(): boolean {
    return this.text.trim() === "" && this.attachments.length === 0;
  }

  /** Adds files. Those that cannot be sent are left out, with a notice. */
  async add(files: readonly File[]): Promise<void> {
    await choices.connected();
    const { backend } = choices;
    if (backend === undefined) {
      notices.problem(choices.problem ?? "Nobody is there to answer yet.");
      return;
    }
    const { attachments } = backend.limits;
    const room = attachments - session.attachmentCount(this.#parent) - this.attachments.length - this.pending;
    if (files.length > room) {
      const most = attachments === 1 ? "one picture or video" : `${attachments} pictures and videos`;
      notices.problem(`A conversation may have ${most}.`, {
        label: "New conversation",
        run: () => session.show(),
      });
    }
    const problems: string[] = [];
    const taken = files.slice(0, Math.max(0, room));
    this.pending += taken.length;
    for (const file of taken) {
      try {
        const { file: bytes, ...rest } = await prepareFile(file, backend.limits);
        const id = await session.keepFile(bytes);
        this.attachments = [...this.attachments, { id, type: bytes.type, ...rest }];
      } catch (error) {
        problems.push(error instanceof AttachmentError ? error.message : `"${file.name}" cannot be read.`);
      } finally {
        this.pending--;
      }
    }
    if (problems.length > 0) notices.problem(problems.join("\n"));
  }

  remove(id: string): void {
    this.attachments = this.attachments.filter((attachment) => attachment.id !== id);
  }

  clear(): void {
    this.text = "";
    this.attachments = [];
  }
}
