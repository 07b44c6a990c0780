import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { attachmentsOf, type Conversation, settle } from "../conversation/conversation.ts";

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
    const conversations = (await this.#database.getAll("conversations")).map(settle);
    const used = new Set(conversations.flatMap(attachmentsOf).map(({ id }) => id));
    const unused = (await this.#database.getAllKeys("files")).filter((id) => !used.has(id));
    await Promise.all(unused.map((id) => this.#database?.delete("files", id)));
    return conversations;
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
