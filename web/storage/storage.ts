import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { attachmentsOf, type Conversation } from "../conversation/conversation.ts";

const lock = "mplug-owl page";

/** Does something if no other tab has the page open: one may have files in a question that is not asked yet. */
async function whenAlone(work: () => Promise<void>): Promise<void> {
  // Browsers have no locks for pages without https.
  if (navigator.locks === undefined) return work();
  await navigator.locks.request(lock, { ifAvailable: true }, (held) => (held === null ? undefined : work()));
  // Held as long as this page is open.
  void navigator.locks.request(lock, { mode: "shared" }, () => new Promise(() => {}));
}

/** What becomes of a conversation: undefined means that it is not there, before or after. It must change nothing else. */
export type Change = (stored: Conversation | undefined) => Conversation | undefined;

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  files: { key: string; value: { readonly bytes: ArrayBuffer; readonly type: string } };
}

/**
 * What the browser keeps of conversations (IndexedDB), for all tabs together. A change is made on what lies in the store
 * by then, in one transaction, and the other tabs are told: so no tab undoes what another one has written or deleted.
 * Where the browser keeps nothing, conversations live as long as the page.
 */
export class Storage {
  readonly #database: IDBPDatabase<Schema> | undefined;
  readonly #files = new Map<string, Blob>();
  readonly #inMemory = new Map<string, Conversation>();
  readonly #others = new BroadcastChannel("mplug-owl conversations");

  private constructor(database: IDBPDatabase<Schema> | undefined) {
    this.#database = database;
  }

  /** Calls back with the id of a conversation that another tab has changed or deleted. */
  onChange(listener: (id: string) => void): void {
    this.#others.onmessage = ({ data }: MessageEvent<string>) => listener(data);
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
    if (this.#database === undefined) return [...this.#inMemory.values()];
    await whenAlone(() => this.#removeUnusedFiles());
    return this.#database.getAll("conversations");
  }

  async #removeUnusedFiles(): Promise<void> {
    const conversations = (await this.#database?.getAll("conversations")) ?? [];
    const used = new Set(conversations.flatMap(attachmentsOf).map(({ id }) => id));
    const unused = (await this.#database?.getAllKeys("files"))?.filter((id) => !used.has(id)) ?? [];
    await Promise.all(unused.map((id) => this.#database?.delete("files", id)));
  }

  async read(id: string): Promise<Conversation | undefined> {
    return this.#database === undefined ? this.#inMemory.get(id) : this.#database.get("conversations", id);
  }

  /** Changes a conversation and gives what it has become; undefined: there is none. */
  async update(id: string, change: Change): Promise<Conversation | undefined> {
    if (this.#database === undefined) {
      const changed = change(this.#inMemory.get(id));
      if (changed === undefined) this.#inMemory.delete(id);
      else this.#inMemory.set(id, changed);
      return changed;
    }
    const transaction = this.#database.transaction("conversations", "readwrite");
    const stored = await transaction.store.get(id);
    const changed = change(stored);
    if (changed === undefined) await transaction.store.delete(id);
    else if (changed !== stored) await transaction.store.put(changed);
    await transaction.done;
    if (changed !== stored) this.#others.postMessage(id);
    return changed;
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
