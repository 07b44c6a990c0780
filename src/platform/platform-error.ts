/** Something that this platform (Node, or a browser) cannot do; the message says where it can be done. */
export class PlatformError extends Error {
  override name = "PlatformError";
}
