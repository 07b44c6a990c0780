/** A repo could not be fetched, or is not there; the message names it, says why, and what to do next. */
export class HubError extends Error {
  override name = "HubError";
}

/** A file that came is not the one that the hub describes; nothing of it was kept. */
export class ChecksumError extends HubError {
  override name = "ChecksumError";
}
