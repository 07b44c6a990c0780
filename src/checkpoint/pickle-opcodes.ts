import { Callable, OrderedDict, type Unpickler } from "./unpickler.ts";

type Operation = (machine: Unpickler) => void;

/** LONG4 may be any length; no whole number of a checkpoint needs more bytes. */
const MAX_INTEGER_BYTES = 256;

/** The operations that are carried out, by their code. */
export const OPERATIONS: ReadonlyMap<number, Operation> = new Map<number, Operation>([
  // Protocol, frames.
  [0x80, (m) => m.take(1)],
  [0x95, (m) => m.take(8)],
  // Constants.
  [0x4e, (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [0x4a, (m) => m.push(m.signed())],
  [0x4b, (m) => m.push(m.unsigned(1))],
  [0x4d, (m) => m.push(m.unsigned(2))],
  [0x8a, (m) => m.push(integer(m, m.unsigned(1)))],
  [0x8b, (m) => m.push(integer(m, m.unsigned(4)))],
  [0x47, (m) => m.push(m.double())],
  // Text; the first two are Python 2's.
  [0x54, (m) => m.push(m.text(m.unsigned(4)))],
  [0x55, (m) => m.push(m.text(m.unsigned(1)))],
  [0x58, (m) => m.push(m.text(m.unsigned(4)))],
  [0x8c, (m) => m.push(m.text(m.unsigned(1)))],
  [0x8d, (m) => m.push(m.text(m.unsigned(8)))],
  // Bytes.
  [0x42, (m) => m.push(m.take(m.unsigned(4)))],
  [0x43, (m) => m.push(m.take(m.unsigned(1)))],
  [0x8e, (m) => m.push(m.take(m.unsigned(8)))],
  [0x96, (m) => m.push(m.take(m.unsigned(8)))],
  // Lists and tuples.
  [0x5d, (m) => m.push([])],
  [0x6c, (m) => m.push(m.popToMark())],
  [0x61, (m) => append(m, [m.pop()])],
  [0x65, (m) => append(m, m.popToMark())],
  [0x29, (m) => m.push([])],
  [0x74, (m) => m.push(m.popToMark())],
  [0x85, (m) => m.push(popped(m, 1))],
  [0x86, (m) => m.push(popped(m, 2))],
  [0x87, (m) => m.push(popped(m, 3))],
  // Dicts and sets.
  [0x7d, (m) => m.push(new Map())],
  [0x64, (m) => pushDict(m)],
  [0x73, (m) => setItems(m, popped(m, 2))],
  [0x75, (m) => setItems(m, m.popToMark())],
  [0x8f, (m) => m.push(new Set())],
  [0x90, (m) => addItems(m, m.popToMark())],
  [0x91, (m) => m.push(new Set(m.popToMark()))],
  // The stack and the memo.
  [0x28, (m) => m.mark()],
  [0x30, (m) => m.pop()],
  [0x31, (m) => m.popToMark()],
  [0x32, (m) => m.push(m.top())],
  [0x71, (m) => m.memo.set(m.unsigned(1), m.top())],
  [0x72, (m) => m.memo.set(m.unsigned(4), m.top())],
  [0x94, (m) => m.memo.set(m.memo.size, m.top())],
  [0x68, (m) => recall(m, m.unsigned(1))],
  [0x6a, (m) => recall(m, m.unsigned(4))],
  // What is named, and what is done with it.
  [0x63, (m) => m.push(m.names.global(`${m.line()}.${m.line()}`))],
  [0x93, (m) => stackGlobal(m)],
  [0x51, (m) => m.push(m.names.persistent(m.pop()))],
  [0x52, (m) => reduce(m)],
  [0x62, (m) => build(m)],
]);

/** Operations of the format that are refused, by name: those that make objects of classes, and protocol 0. */
export const REFUSED_OPERATIONS: ReadonlyMap<number, string> = new Map([
  [0x81, "NEWOBJ"],
  [0x92, "NEWOBJ_EX"],
  [0x69, "INST"],
  [0x6f, "OBJ"],
  [0x82, "EXT1"],
  [0x83, "EXT2"],
  [0x84, "EXT4"],
  [0x97, "NEXT_BUFFER"],
  [0x98, "READONLY_BUFFER"],
  [0x46, "FLOAT"],
  [0x49, "INT"],
  [0x4c, "LONG"],
  [0x50, "PERSID"],
  [0x53, "STRING"],
  [0x56, "UNICODE"],
  [0x67, "GET"],
  [0x70, "PUT"],
]);

/** A little-endian two's complement number. */
function integer(machine: Unpickler, length: number): number | bigint {
  if (length > MAX_INTEGER_BYTES) machine.refuse(`a whole number of ${length} bytes`);
  let value = 0n;
  for (const byte of machine.take(length).toReversed()) value = (value << 8n) | BigInt(byte);
  const signed = BigInt.asIntN(8 * length, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

/** The topmost values in the order they were pushed. */
function popped(machine: Unpickler, count: number): unknown[] {
  return Array.from({ length: count }, () => machine.pop()).reverse();
}

function append(machine: Unpickler, values: readonly unknown[]): void {
  const list = machine.top();
  if (!Array.isArray(list)) machine.refuse(`values appended to ${kindOf(list)}`);
  for (const value of values) list.push(value);
}

function pushDict(machine: Unpickler): void {
  const values = machine.popToMark();
  machine.push(new Map());
  setItems(machine, values);
}

function setItems(machine: Unpickler, values: readonly unknown[]): void {
  const dict = machine.top();
  if (!(dict instanceof Map)) machine.refuse(`items set in ${kindOf(dict)}`);
  if (values.length % 2 === 1) machine.refuse("a key without a value");
  for (let i = 0; i < values.length; i += 2) dict.set(values[i], values[i + 1]);
}

function addItems(machine: Unpickler, values: readonly unknown[]): void {
  const set = machine.top();
  if (!(set instanceof Set)) machine.refuse(`values added to ${kindOf(set)}`);
  for (const value of values) set.add(value);
}

function recall(machine: Unpickler, index: number): void {
  if (!machine.memo.has(index)) machine.refuse(`memo entry ${index}, which was never put`);
  machine.push(machine.memo.get(index));
}

function stackGlobal(machine: Unpickler): void {
  const [module, name] = popped(machine, 2);
  if (typeof module !== "string" || typeof name !== "string")
    machine.refuse("a global whose name is no text");
  machine.push(machine.names.global(`${module}.${name}`));
}

function reduce(machine: Unpickler): void {
  const [callable, parameters] = popped(machine, 2);
  if (!(callable instanceof Callable)) machine.refuse(`REDUCE of ${kindOf(callable)}`);
  if (!Array.isArray(parameters)) machine.refuse(`REDUCE of ${callable.name} without a tuple`);
  machine.push(callable.call(parameters));
}

/** Attributes given to an object: an OrderedDict's (`_metadata`) carry no tensors, others are refused. */
function build(machine: Unpickler): void {
  machine.pop();
  if (!(machine.top() instanceof OrderedDict)) machine.refuse(`BUILD of ${kindOf(machine.top())}`);
}

/** What a value is, for messages. */
function kindOf(value: unknown): string {
  if (value instanceof Callable) return value.name;
  if (typeof value !== "object" || value === null) return value === null ? "None" : `a ${typeof value}`;
  return `a ${value.constructor.name}`;
}
