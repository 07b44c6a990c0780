import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { attachmentsOf, type Conversation } from "../conversation/conversation.ts";
import { holdLock, isLockedElsewhere } from "./tab-locks.ts";

/** Held by every page that is open. */
const openPage = "mplug-owl page";

/** Maps a stored conversation to its new state; undefined: there is none. It may run twice, so it must be pure. */
export type Change = (stored: Conversation | undefined) => Conversation | undefined;

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  files: { key: string; value: { readonly bytes: ArrayBuffer; readonly type: string } };
}

/**
 * Conversations and files in IndexedDB, shared by all tabs. A change is applied to the stored state in one transaction, and the
 * other tabs are notified: so no tab undoes what another one has written or deleted.
 * Where the browser keeps nothing, conversations live as long as the page.
 */
export class ConversationStore {
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

  static async open(): Promise<ConversationStore> {
    try {
      const database = await openDB<Schema>("mplug-owl", 1, {
        upgrade(fresh) {
          fresh.createObjectStore("conversations", { keyPath: "id" });
          fresh.createObjectStore("files");
        },
      });
      return new ConversationStore(database);
    } catch {
      return new ConversationStore(undefined);
    }
  }

  /** Whether conversations outlive the page. */
  get isPersistent(): boolean {
    return this.#database !== undefined;
  }

  /** All conversations. Files that none of them has any more are removed. */
  async load(): Promise<Conversation[]> {
    if (this.#database === undefined) return [...this.#inMemory.values()];
    const [conversations, ids] = await Promise.all([
      this.#database.getAll("conversations"),
      this.#database.getAllKeys("files"),
    ]);
    const used = new Set(conversations.flatMap(attachmentsOf).map(({ id }) => id));
    // Files that are added from now on are not among them.
    void this.#removeIfAlone(ids.filter((id) => !used.has(id)));
    return conversations;
  }

  /** Another tab may have files in a question that is not asked yet, or a conversation that is brought back. */
  async #removeIfAlone(files: readonly string[]): Promise<void> {
    try {
      const isAlone = !(await isLockedElsewhere(openPage));
      void holdLock(openPage, new Promise(() => {}));
      if (isAlone) await Promise.all(files.map((id) => this.#database?.delete("files", id)));
    } catch {
      // They are removed another time.
    }
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
    const { store, done } = this.#database.transaction("conversations", "readwrite");
    const write = async () => {
      const stored = await store.get(id);
      const changed = change(stored);
      if (changed === undefined) await store.delete(id);
      else if (changed !== stored) await store.put(changed);
      return { stored, changed };
    };
    // Where the store is full the one fails or the other, or both.
    const [{ stored, changed }] = await Promise.all([write(), done]);
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
