import { OPERATIONS, REFUSED_OPERATIONS } from "./pickle-opcodes.ts";
import { type PickleGlobals, Unpickler } from "./unpickler.ts";

/** Every operation can allocate an object, so their number bounds the memory that a malicious file can take. */
const MAX_OPERATIONS = 2_000_000;

const STOP = 0x2e;

function operationName(code: number): string {
  const hex = `0x${code.toString(16).padStart(2, "0")}`;
  const name = REFUSED_OPERATIONS.get(code);
  return name === undefined ? `${hex}, which is none` : `${name} (${hex}), which is not read`;
}

/**
 * Reads one pickle without executing anything: containers, numbers and texts are made, globals and persistent ids
 * are handed to `names`, and only a {@link Callable} that `names` gave out can be called. Lists and tuples become
 * arrays, dicts Maps, whole numbers beyond 2^53 bigints.
 *
 * The format: Python's Lib/pickletools.py. Read are the binary operations (protocols 2 to 5).
 *
 * @returns the value, and the position behind the pickle
 * @throws PickleError
 */
export function unpickle(
  bytes: Uint8Array,
  names: PickleGlobals,
  position = 0,
): { value: unknown; end: number } {
  const machine: Unpickler = new Unpickler(bytes, position, names);
  for (let count = 0; count < MAX_OPERATIONS; count++) {
    const code = machine.unsigned(1);
    if (code === STOP) return { value: machine.pop(), end: machine.position };
    const operation = OPERATIONS.get(code);
    if (!operation) machine.refuse(`the operation ${operationName(code)}`);
    operation(machine);
  }
  return machine.refuse(`more than ${MAX_OPERATIONS} operations`);
}
