import { createHash } from "node:crypto";

/** A checksum over bytes that come in chunks. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** Ends the checksum, and returns it as lower-case hexadecimal digits. */
  hex(): string;
}

/** Starts a checksum. */
export function newDigest(algorithm: "sha1" | "sha256"): Digest {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
}
