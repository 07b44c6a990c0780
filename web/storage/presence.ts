/**
 * What the pages of one browser tell each other that they hold: by its locks, or, where it has none (for pages without
 * https), by asking. A page that goes away holds nothing any more.
 */
const held = new Set<string>();
const answered = new Map<string, () => void>();
const channel = new BroadcastChannel("mplug-owl presence");
const millisecondsToAnswer = 500;
const millisecondsBetweenQuestions = 1000;

interface Said {
  readonly name: string;
  readonly isHeld: boolean;
}

channel.onmessage = ({ data: { name, isHeld } }: MessageEvent<Said>): void => {
  if (isHeld) answered.get(name)?.();
  else if (held.has(name)) channel.postMessage({ name, isHeld: true } satisfies Said);
};

/**
 * Holds a name until work is over. Several pages may hold the same.
 *
 * @param work must not reject
 */
export async function hold(name: string, work: Promise<void>): Promise<void> {
  if (navigator.locks !== undefined) {
    // A browser that keeps nothing for a page may refuse it locks, too: then there is nothing to guard.
    await navigator.locks.request(name, { mode: "shared" }, () => work).catch(() => undefined);
    return;
  }
  held.add(name);
  await work;
  held.delete(name);
}

/** Whether another page holds a name. */
export async function isHeldElsewhere(name: string): Promise<boolean> {
  if (navigator.locks !== undefined) {
    return navigator.locks.request(name, { ifAvailable: true }, (lock) => lock === null);
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(false), millisecondsToAnswer);
    const end = (is: boolean): void => {
      clearTimeout(timer);
      answered.delete(name);
      resolve(is);
    };
    answered.set(name, () => end(true));
    channel.postMessage({ name, isHeld: false } satisfies Said);
  });
}

/** Resolves when no other page holds a name. */
export async function released(name: string): Promise<void> {
  if (navigator.locks !== undefined) {
    await navigator.locks.request(name, () => undefined);
    return;
  }
  while (await isHeldElsewhere(name)) {
    await new Promise((resolve) => setTimeout(resolve, millisecondsBetweenQuestions));
  }
}
