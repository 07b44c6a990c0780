/** What a person says about a file where its format leaves a choice. */
export interface ReadSettings {
  /** The directory that the paths of pictures are relative to; the file's own if absent. */
  readonly images?: string | undefined;
  /** Which key or column of the file is what: `{ image: photo, text: description }`. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
  /** Makes captions answers: what is asked about each picture. */
  readonly question?: string | undefined;
}
