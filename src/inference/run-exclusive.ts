/** Runs something while nobody else uses the device. */
export type RunExclusive = <T>(run: () => Promise<T>) => Promise<T>;
