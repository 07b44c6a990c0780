import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { attachmentsOf, type Conversation, settle } from "../conversation/conversation.ts";

const lock = "mplug-owl page";

/** Does something if no other tab has the page open: one may have files in a question that is not asked yet. */
async function whenAlone(work: () => Promise<void>): Promise<void> {
  // Browsers have no locks for pages without https.
  if (navigator.locks === undefined) return work();
  await navigator.locks.request(lock, { ifAvailable: true }, (held) => (held === null ? undefined : work()));
  // Held as long as this page is open.
  void navigator.locks.request(lock, { mode: "shared" }, () => new Promise(() => {}));
}

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  files: { key: string; value: { readonly bytes: ArrayBuffer; readonly type: string } };
}

/** What the browser keeps of conversations (IndexedDB). Where it keeps nothing, they live as long as the page. */
export class Storage {
  readonly #database: IDBPDatabase<Schema> | undefined;
  readonly #files = new Map<string, Blob>();

  private constructor(database: IDBPDatabase<Schema> | undefined) {
    this.#database = database;
  }

  static async open(): Promise<Storage> {
    try {
      const database = await openDB<Schema>("mplug-owl", 1, {
        upgrade(fresh) {
          fresh.createObjectStore("conversations", { keyPath: "id" });
          fresh.createObjectStore("files");
        },
      });
      return new Storage(database);
    } catch {
      return new Storage(undefined);
    }
  }

  /** Whether conversations outlive the page. */
  get keeps(): boolean {
    return this.#database !== undefined;
  }

  /** All conversations. Files that none of them has any more are removed. */
  async load(): Promise<Conversation[]> {
    if (this.#database === undefined) return [];
    await whenAlone(() => this.#removeUnusedFiles());
    return (await this.#database.getAll("conversations")).map(settle);
  }

  async #removeUnusedFiles(): Promise<void> {
    const conversations = (await this.#database?.getAll("conversations")) ?? [];
    const used = new Set(conversations.flatMap(attachmentsOf).map(({ id }) => id));
    const unused = (await this.#database?.getAllKeys("files"))?.filter((id) => !used.has(id)) ?? [];
    await Promise.all(unused.map((id) => this.#database?.delete("files", id)));
  }

  async save(conversation: Conversation): Promise<void> {
    await this.#database?.put("conversations", conversation);
  }

  async remove(id: string): Promise<void> {
    await this.#database?.delete("conversations", id);
  }

  /** Keeps a file's bytes (not the Blob: some browsers cannot store those). */
  async saveFile(id: string, file: Blob): Promise<void> {
    this.#files.set(id, file);
    await this.#database?.put("files", { bytes: await file.arrayBuffer(), type: file.type }, id);
  }

  /** @throws Error where the file is gone */
  async readFile(id: string): Promise<Blob> {
    const inMemory = this.#files.get(id);
    if (inMemory !== undefined) return inMemory;
    const stored = await this.#database?.get("files", id);
    if (stored === undefined) throw new Error("A file of this conversation is no longer there.");
    const file = new Blob([stored.bytes], { type: stored.type });
    this.#files.set(id, file);
    return file;
  }
}
