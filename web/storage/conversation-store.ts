import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { type Attachment, attachmentsOf, type Conversation } from "../conversation/conversation.ts";
import { holdForGood } from "./tab-locks.ts";

/** Held by every page that is open. */
const openPage = "mplug-owl page";

/** Maps a stored conversation to its new state; undefined: there is none. It may run twice, so it must be pure. */
export type Change = (stored: Conversation | undefined) => Conversation | undefined;

/** A file's bytes (not the Blob: some browsers cannot store those). */
interface StoredFile {
  readonly bytes: ArrayBuffer;
  readonly type: string;
}

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  files: { key: string; value: StoredFile };
}

/**
 * Conversations and files in IndexedDB, shared by all tabs. A change is applied to the stored state in one transaction, and the
 * other tabs are notified: so no tab undoes what another one has written or deleted. A conversation that is stored has its files:
 * they are stored with it where they are not there, and removed by none but a transaction that finds no conversation with them.
 * Where the browser keeps nothing, conversations live as long as the page.
 */
export class ConversationStore {
  readonly #database: IDBPDatabase<Schema> | undefined;
  readonly #files = new Map<string, Blob>();
  /** Files that this tab has stored and no stored conversation has yet: another tab may remove them as nobody's. */
  readonly #unasked = new Map<string, StoredFile>();
  /** Files that no conversation had when the page was opened. */
  #unused: readonly string[] = [];
  /** Whether no other page was open then. */
  readonly #isAlone: Promise<boolean>;
  readonly #inMemory = new Map<string, Conversation>();
  readonly #others = new BroadcastChannel("mplug-owl conversations");

  private constructor(database: IDBPDatabase<Schema> | undefined) {
    this.#database = database;
    this.#isAlone = holdForGood(openPage).catch(() => false);
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

  /** All conversations. */
  async load(): Promise<Conversation[]> {
    if (this.#database === undefined) return [...this.#inMemory.values()];
    const [conversations, ids] = await Promise.all([
      this.#database.getAll("conversations"),
      this.#database.getAllKeys("files"),
    ]);
    const used = new Set(conversations.flatMap(attachmentsOf).map(({ id }) => id));
    // Files that are added from now on are not among them.
    this.#unused = ids.filter((id) => !used.has(id));
    return conversations;
  }

  /**
   * Removes the files that no conversation had when the page was opened, and none has now. Another tab that was open then may have
   * them in a question that is not asked yet, or bring their conversation back: then they are removed another time.
   *
   * @param shown attachments of what this tab shows, which may not be stored
   */
  async removeUnused(shown: () => readonly Attachment[]): Promise<void> {
    if (this.#database === undefined || this.#unused.length === 0 || !(await this.#isAlone)) return;
    try {
      const transaction = this.#database.transaction(["conversations", "files"], "readwrite");
      const stored = await transaction.objectStore("conversations").getAll();
      const used = new Set([...stored.flatMap(attachmentsOf), ...shown()].map(({ id }) => id));
      const files = transaction.objectStore("files");
      const unused = this.#unused.filter((id) => !used.has(id));
      await Promise.all([...unused.map((id) => files.delete(id)), transaction.done]);
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
    const transaction = this.#database.transaction(["conversations", "files"], "readwrite");
    const store = transaction.objectStore("conversations");
    const files = transaction.objectStore("files");
    const write = async () => {
      const stored = await store.get(id);
      const changed = change(stored);
      if (changed === undefined) await store.delete(id);
      else if (changed !== stored) await store.put(changed);
      const unasked = changed === undefined ? [] : this.#unaskedOf(changed);
      for (const [key, file] of unasked)
        if ((await files.getKey(key)) === undefined) await files.put(file, key);
      return { stored, changed, unasked };
    };
    // Where the store is full the one fails or the other, or both.
    const [{ stored, changed, unasked }] = await Promise.all([write(), transaction.done]);
    for (const [key] of unasked) this.#unasked.delete(key);
    if (changed !== stored) this.#others.postMessage(id);
    return changed;
  }

  #unaskedOf(conversation: Conversation): [string, StoredFile][] {
    if (this.#unasked.size === 0) return [];
    const ids = new Set(attachmentsOf(conversation).map(({ id }) => id));
    return [...this.#unasked].filter(([id]) => ids.has(id));
  }

  /** Keeps a file: until the page is closed where the store has no room for it. */
  async saveFile(id: string, file: StoredFile): Promise<void> {
    this.#files.set(id, new Blob([file.bytes], { type: file.type }));
    if (this.#database === undefined) return;
    await this.#database.put("files", file, id);
    this.#unasked.set(id, file);
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
