/** Polynomial of CRC-32C (Castagnoli), bits reversed. */
const polynomial = 0x82f63b78;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
  return value;
});

function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ table[(value ^ byte) & 0xff];
  return ~value >>> 0;
}

/** The checksum as TFRecord stores it: rotated and moved, so that one of data with checksums in it is no weaker. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const lengthBytes = 8;
const crcBytes = 4;

/**
 * A record of TensorFlow's files (TFRecord): its length as uint64, that length's masked CRC-32C, the data, their masked CRC-32C, all
 * little-endian.
 */
export function tfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(lengthBytes + crcBytes + data.byteLength + crcBytes);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.byteLength), true);
  view.setUint32(lengthBytes, maskedCrc(record.subarray(0, lengthBytes)), true);
  record.set(data, lengthBytes + crcBytes);
  view.setUint32(lengthBytes + crcBytes + data.byteLength, maskedCrc(data), true);
  return record;
}
