/** Defaults of an engine's options, which the help of `owl serve` states too. */
export const engineDefaults = {
  maxRunning: 8,
  prefillChunk: 128,
  /** Cached prefixes may take as much as so many conversations of the longest length for each running request, … */
  keptConversations: 2,
  /** … and at most so many bytes. */
  keyValueCacheBytes: 2 * 2 ** 30,
  /** 64 pictures of the published model: 65 positions of 4,096 numbers in single precision each. */
  visualCacheBytes: 64 * 65 * 4096 * Float32Array.BYTES_PER_ELEMENT,
} as const;

/** The same in words, for help texts. */
export const engineDefaultWords = {
  maxRunning: String(engineDefaults.maxRunning),
  prefillChunk: String(engineDefaults.prefillChunk),
  keyValueCacheBytes: `${engineDefaults.keptConversations} of the longest conversations for each running answer, at most ${engineDefaults.keyValueCacheBytes / 2 ** 30} GiB`,
  visualCacheBytes: `${Math.round(engineDefaults.visualCacheBytes / 1e6)} MB`,
} as const;
