import { basename } from "node:path";

/** The name of a run's event file, counted from 1. */
export const eventFile = (number: number): string =>
  `events.out.tfevents.${String(number).padStart(10, "0")}.mplug-owl`;

/** Whether a file of a run's directory is one of its logs, in which times stand. */
export const isLog = (path: string): boolean => /^(log\.jsonl$|events\.)/.test(basename(path));

/** An event of an event file, read without any code of the package. */
export interface ReadEvent {
  readonly step: number;
  readonly version: string | undefined;
  readonly isStart: boolean;
  readonly scalars: Readonly<Record<string, number>>;
  /** Tensors of one text that are for TensorBoard's page of texts. */
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * Reads an event file to its end.
 *
 * @throws {Error} where a checksum is another or a record is cut
 */
export function readEvents(bytes: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    requireCrc(bytes.subarray(at, at + 8), bytes.readUInt32LE(at + 8));
    requireCrc(data, bytes.readUInt32LE(at + 12 + length));
    events.push(eventOf(data));
    at += 16 + length;
  }
  return events;
}

function requireCrc(data: Uint8Array, stored: number): void {
  const unmasked = BigInt(stored) - 0xa282ead8n + (stored < 0xa282ead8 ? 1n << 32n : 0n);
  const crc = ((unmasked >> 17n) | (unmasked << 15n)) & 0xffffffffn;
  if (crc !== crcBitByBit(data)) throw new Error(`CRC-32C must be ${crcBitByBit(data)}, got ${crc}`);
}

/** CRC-32C by its definition: the remainder of a division of polynomials, highest bit first. */
function crcBitByBit(data: Uint8Array): bigint {
  const reversed = (value: bigint, bits: number): bigint =>
    BigInt(`0b${[...value.toString(2).padStart(bits, "0")].reverse().join("")}`);
  let remainder = 0xffffffffn;
  for (const byte of data) {
    remainder ^= reversed(BigInt(byte), 8) << 24n;
    for (let bit = 0; bit < 8; bit++) {
      remainder <<= 1n;
      if (remainder >> 32n) remainder ^= 0x11edc6f41n;
    }
  }
  return reversed(remainder ^ 0xffffffffn, 32);
}

/** Fields of a protobuf message by number: varints as numbers, other ones as their bytes. */
function fieldsOf(message: Buffer): [number, Buffer | number][] {
  const fields: [number, Buffer | number][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const wire = key % 8;
    fields.push([Math.floor(key / 8), wire === 0 ? varint() : take({ 1: 8, 5: 4 }[wire] ?? varint())]);
  }
  return fields;
}

function eventOf(data: Buffer): ReadEvent {
  const fields = new Map(fieldsOf(data));
  const bytesOf = (number: number): Buffer => (fields.get(number) as Buffer | undefined) ?? Buffer.alloc(0);
  const values = fieldsOf(bytesOf(5)).map(([, value]) => new Map(fieldsOf(value as Buffer)));
  const named = (number: number) =>
    values.flatMap((value): [string, Buffer][] => {
      const found = value.get(number);
      return found === undefined ? [] : [[String(value.get(1)), found as Buffer]];
    });
  return {
    step: Number(fields.get(2) ?? 0),
    version: fields.has(3) ? bytesOf(3).toString() : undefined,
    isStart: new Map(fieldsOf(bytesOf(7))).get(1) === 1,
    scalars: Object.fromEntries(named(2).map(([tag, value]) => [tag, value.readFloatLE()])),
    texts: Object.fromEntries(named(9).map(([tag, metadata], i) => [tag, textOf(metadata, named(8)[i][1])])),
  };
}

/** The text of a tensor of type 7 (text) and shape [1] whose metadata name the plugin of texts. */
function textOf(metadata: Buffer, tensor: Buffer): string {
  const [[, plugin]] = fieldsOf(metadata);
  const [[, name]] = fieldsOf(plugin as Buffer);
  const fields = new Map(fieldsOf(tensor));
  const [[, dimension]] = fieldsOf(fields.get(2) as Buffer);
  const size = new Map(fieldsOf(dimension as Buffer)).get(1);
  if (String(name) !== "text" || fields.get(1) !== 7 || size !== 1) throw new Error("must be a text");
  return String(fields.get(8));
}
