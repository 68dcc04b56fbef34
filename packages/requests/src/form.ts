/**
 * One thing that a person may say of a request: an option of a command, or a field of a page. What shows it knows no kind,
 * and a kind knows nothing of what shows it.
 */
export interface RequestField {
  /** Small letters, words joined by dashes; no field of another kind has the same. */
  readonly name: string;
  /** What is filled in; `nothing`: it is there or not. */
  readonly takes: 'file' | 'text' | 'nothing';
  /** One word for what is filled in. */
  readonly placeholder?: string;
  /** What it is, in one line. */
  readonly what: string;
  /**
   * `content`: what is signed. `kind`: content that was named otherwise is meant for this kind. `detail`: how it is signed.
   * `result`: what is handed out in the end; `build` does not see it.
   */
  readonly role: 'content' | 'kind' | 'detail' | 'result';
  /** The name of a field that says the contrary. */
  readonly excludes?: string;
}

/** How a request of one kind comes from what a person said. */
export interface RequestForm {
  readonly fields: readonly RequestField[];
  /** Content that no field claims for another kind is for this one: true of one kind. */
  readonly takesAnyContent: boolean;
  /** Content that is longer is not read. */
  readonly mostContentBytes: number;
  /**
   * @param values of the fields that were given, by name; the empty text for one that takes nothing
   * @throws EncodingError of the kind
   */
  build(content: Uint8Array, values: ReadonlyMap<string, string>): Uint8Array;
}
