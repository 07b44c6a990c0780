/** Small building blocks without a subject of their own: times in words, locks, retry with back-off, an LRU cache, results made once, seeded random numbers. */
export { formatDuration } from "./duration.ts";
export { LruCache, type LruCacheOptions } from "./lru-cache.ts";
export { once } from "./once.ts";
export {
  fnv1a,
  freshSeed,
  mulberry32,
  permutation,
  type Random,
  seedOf,
  xoshiro128,
} from "./random.ts";
export { isTransientStatus, type RetryOptions, retry, retryAfterOf, TransientError } from "./retry.ts";
export { Semaphore } from "./semaphore.ts";
export { sleep } from "./sleep.ts";
