import { type OpenFile, zipEntries } from "../platform/index.ts";
import { unpickle } from "./pickle.ts";
import { bytesAt, STORED_TYPES } from "./stored-types.ts";
import { type TorchStorage, torchGlobal, torchStorage } from "./torch-globals.ts";
import type { StoredBytes } from "./torch-tensors.ts";
import { PickleEndError, PickleError, type PickleGlobals } from "./unpickler.ts";

/** What a PyTorch file says before any tensor is read. */
export interface TorchContent {
  /** Containers as arrays and Maps, tensors as `TorchTensor`s. */
  readonly value: unknown;
  readonly storages: ReadonlyMap<string, StoredBytes>;
}

/** Room for the names of more tensors than any file has; their values are not in the pickle. */
const MAX_PICKLE_BYTES = 64 * 1024 * 1024;
const FIRST_LOOK = 1024 * 1024;

const names: PickleGlobals = { global: torchGlobal, persistent: torchStorage };

/**
 * Reads the pickle of a PyTorch file, and where its storages lie.
 *
 * @throws PickleError or FileError
 */
export async function readContent(file: OpenFile): Promise<TorchContent> {
  const start = await bytesAt(file, 0, Math.min(2, file.size));
  if (start[0] === 0x50 && start[1] === 0x4b) return readZip(file);
  if (start[0] === 0x80) return readLegacy(file);
  throw new PickleError(file.size === 0 ? "an empty file" : "neither a zip archive nor a pickle");
}

/** The format since PyTorch 1.6: `<root>/data.pkl`, and a storage an entry, `<root>/data/<key>`. */
async function readZip(file: OpenFile): Promise<TorchContent> {
  const entries = new Map((await zipEntries(file)).map((entry) => [entry.name, entry]));
  const pickles = [...entries.values()].filter(({ name }) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1) throw new PickleError(`a zip archive with ${pickles.length} entries data.pkl`);
  const [{ name, position, size, problem }] = pickles;
  if (problem) throw new PickleError(`data.pkl: ${problem}`);
  if (size > MAX_PICKLE_BYTES) throw new PickleError(`a pickle of ${size} bytes`);
  const root = name.slice(0, -"data.pkl".length);
  const order = entries.get(`${root}byteorder`);
  if (order?.problem) throw new PickleError(`byteorder: ${order.problem}`);
  if (order) await requireLittleEndian(file, order);
  const storages = new Map<string, StoredBytes>();
  for (const entry of entries.values()) {
    const prefix = `${root}data/`;
    if (entry.name.startsWith(prefix)) storages.set(entry.name.slice(prefix.length), entry);
  }
  return { value: unpickle(await bytesAt(file, position, size), names).value, storages };
}

async function requireLittleEndian(file: OpenFile, { position, size }: StoredBytes): Promise<void> {
  const order = new TextDecoder().decode(await bytesAt(file, position, Math.min(size, 16)));
  if (order !== "little") throw new PickleError(`the byte order ${JSON.stringify(order)} (read is "little")`);
}

/** The format before: five pickles, then the storages one after the other. */
async function readLegacy(file: OpenFile): Promise<TorchContent> {
  for (let length = FIRST_LOOK; ; length *= 8) {
    const bytes = await bytesAt(file, 0, Math.min(length, MAX_PICKLE_BYTES, file.size));
    try {
      return await legacyContent(file, bytes);
    } catch (error) {
      const more = bytes.byteLength < Math.min(MAX_PICKLE_BYTES, file.size);
      if (!more || !(error instanceof PickleEndError)) throw error;
    }
  }
}

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

async function legacyContent(file: OpenFile, bytes: Uint8Array): Promise<TorchContent> {
  let end = 0;
  const next = (meaning: PickleGlobals): unknown => {
    const read = unpickle(bytes, meaning, end);
    end = read.end;
    return read.value;
  };
  if (next(names) !== LEGACY_MAGIC) throw new PickleError("a pickle that torch.save did not write");
  const protocol = next(names);
  if (protocol !== LEGACY_PROTOCOL) throw new PickleError(`the protocol ${String(protocol).slice(0, 40)}`);
  const system = next(names);
  if (!(system instanceof Map) || system.get("little_endian") !== true) {
    throw new PickleError("a byte order that is not little-endian");
  }
  const named = new Map<string, TorchStorage>();
  const persistent = (id: unknown): TorchStorage => {
    const storage = torchStorage(id);
    if (!named.has(storage.key)) named.set(storage.key, storage);
    return storage;
  };
  const value = next({ ...names, persistent });
  return { value, storages: await legacyStorages(file, next(names), named, end) };
}

/** Each storage is its number of elements, eight bytes, and the elements. What the file ends before is left out. */
async function legacyStorages(
  file: OpenFile,
  keys: unknown,
  named: ReadonlyMap<string, TorchStorage>,
  start: number,
): Promise<Map<string, StoredBytes>> {
  if (!Array.isArray(keys)) throw new PickleError("no list of storages");
  const storages = new Map<string, StoredBytes>();
  let position = start;
  for (const key of keys) {
    const storage = named.get(key);
    if (!storage) throw new PickleError(`storage ${JSON.stringify(String(key).slice(0, 40))} of no tensor`);
    if (storage.type === "bytes") throw new PickleError("storages without a number format");
    if (position + 8 > file.size) break;
    const prefix = await bytesAt(file, position, 8);
    const elements = new DataView(prefix.buffer).getBigInt64(0, true);
    position += 8;
    const size = Number(elements) * STORED_TYPES[storage.type];
    if (size < 0) break;
    storages.set(String(key), { position, size: Math.min(size, file.size - position) });
    position += size;
  }
  return storages;
}
