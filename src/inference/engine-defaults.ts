/** What an engine keeps and does at once where nothing is said. The help of `owl serve` is made from it. */
export const engineDefaults = {
  maxRunning: 8,
  prefillChunk: 128,
  /** How many of the longest conversations are kept for each running answer … */
  keptConversations: 2,
  /** … as far as so many bytes of keys and values hold them. */
  keyValueCacheBytes: 2 * 2 ** 30,
  /** 64 pictures of the published model: 65 positions of 4,096 numbers in single precision each. */
  visualCacheBytes: 64 * 65 * 4096 * Float32Array.BYTES_PER_ELEMENT,
} as const;

/** The same in words, for those who set it otherwise. */
export const engineDefaultWords = {
  maxRunning: String(engineDefaults.maxRunning),
  prefillChunk: String(engineDefaults.prefillChunk),
  keyValueCacheBytes: `${engineDefaults.keptConversations} of the longest conversations for each running answer, at most ${engineDefaults.keyValueCacheBytes / 2 ** 30} GiB`,
  visualCacheBytes: `${Math.round(engineDefaults.visualCacheBytes / 1e6)} MB`,
} as const;
