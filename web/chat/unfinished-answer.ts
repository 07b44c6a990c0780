import { holdLock, lockReleased } from "../storage/tab-locks.ts";

const lockOf = (turn: string): string => `mplug-owl answer ${turn}`;

/** Tells the other tabs that this one is writing an answer, until the work is over or the page gone. */
export const whileWriting = (turn: string, work: Promise<void>): Promise<void> =>
  holdLock(lockOf(turn), work);

/** Resolves when no other tab writes an answer any more. */
export const writtenElsewhere = (turn: string): Promise<void> => lockReleased(lockOf(turn));
