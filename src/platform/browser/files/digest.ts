import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Digest } from "../../files/digest.ts";

/** Begins a checksum. Browsers' own (`crypto.subtle`) are for pages with https only, and take no pieces. */
export function newDigest(algorithm: "sha1" | "sha256"): Digest {
  const hash = (algorithm === "sha1" ? sha1 : sha256).create();
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}
