/** The error for what this platform (Node, or a browser) does not support; the message says which one does. */
export class PlatformError extends Error {
  override name = "PlatformError";
}
