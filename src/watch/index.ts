/** Runs of training as a page shows them: their logs, followed while they are written, and a server of these. */
export { type LogPart, readLogPart } from "./log-part.ts";
export { findRuns, type WatchedRun } from "./runs.ts";
export { createWatchServer, type WatchServerOptions } from "./watch-server.ts";
