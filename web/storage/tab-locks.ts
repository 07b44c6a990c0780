/**
 * Named locks that pages (tabs) of one browser share, by the Web Locks API, or, where a page has none because it came without
 * https, by messages. A page that goes away releases its locks.
 */
const held = new Set<string>();
const waiting = new Map<string, () => void>();
const channel = new BroadcastChannel("mplug-owl presence");
/** A busy machine, or a tab in the background, takes its time to answer. */
const millisecondsToAnswer = 3000;
const millisecondsBetweenQuestions = 1000;

/** A question whether a name is locked, or the answer that it is. */
interface LockMessage {
  readonly name: string;
  readonly isHeld: boolean;
}

channel.onmessage = ({ data: { name, isHeld } }: MessageEvent<LockMessage>): void => {
  if (isHeld) waiting.get(name)?.();
  else if (held.has(name)) channel.postMessage({ name, isHeld: true } satisfies LockMessage);
};

/**
 * Holds a shared lock until work is over: several pages may hold the same.
 *
 * @param work must not reject
 */
export async function holdLock(name: string, work: Promise<void>): Promise<void> {
  if (navigator.locks !== undefined) {
    // A browser that keeps nothing for a page may refuse it locks, too: then there is nothing to guard.
    await navigator.locks.request(name, { mode: "shared" }, () => work).catch(() => undefined);
    return;
  }
  held.add(name);
  await work;
  held.delete(name);
}

/**
 * Holds a shared lock as long as the page is there.
 *
 * @returns whether no other page held it before
 */
export async function holdForGood(name: string): Promise<boolean> {
  const forever = new Promise<void>(() => undefined);
  if (navigator.locks === undefined) {
    // Before the others are asked: of two pages that come at once neither takes itself for the only one.
    void holdLock(name, forever);
    return !(await isHeldElsewhere(name));
  }
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => {
    // Waits for this one's end, which no other page's question can come before.
    void holdLock(name, forever);
    return lock !== null;
  });
}

/** Whether another page says that it holds a lock. */
function isHeldElsewhere(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(false), millisecondsToAnswer);
    const end = (is: boolean): void => {
      clearTimeout(timer);
      waiting.delete(name);
      resolve(is);
    };
    waiting.set(name, () => end(true));
    channel.postMessage({ name, isHeld: false } satisfies LockMessage);
  });
}

/** Resolves when no other page holds a lock. */
export async function lockReleased(name: string): Promise<void> {
  if (navigator.locks !== undefined) {
    await navigator.locks.request(name, () => undefined);
    return;
  }
  while (await isHeldElsewhere(name)) {
    await new Promise((resolve) => setTimeout(resolve, millisecondsBetweenQuestions));
  }
}
