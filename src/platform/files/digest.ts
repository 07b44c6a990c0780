import { createHash } from "node:crypto";

/** A checksum that is computed piece by piece. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** The checksum of all pieces, as lower-case hexadecimal digits; to be asked for once. */
  hex(): string;
}

/** Begins a checksum. */
export function newDigest(algorithm: "sha1" | "sha256"): Digest {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
}
