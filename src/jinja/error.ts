/** A template that cannot be read or rendered; the message is that of Jinja or of the template itself. */
export class TemplateError extends Error {
  override name = "TemplateError";
  /** Whether the template said so itself, by `raise_exception`: a word to the person who wrote the messages. */
  readonly isRaised: boolean;
  /** Whether the template could not be read at all: another must be written in its place. */
  readonly isUnread: boolean;

  constructor(
    message: string,
    {
      isRaised = false,
      isUnread = false,
      ...options
    }: ErrorOptions & { isRaised?: boolean; isUnread?: boolean } = {},
  ) {
    super(message, options);
    this.isRaised = isRaised;
    this.isUnread = isUnread;
  }
}
