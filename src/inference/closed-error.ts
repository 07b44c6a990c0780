/** What was closed was asked for something. */
export class ClosedError extends Error {
  override name = "ClosedError";
}
