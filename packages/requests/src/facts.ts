/**
 * What rules of a key compare. A fact is derived from the bytes of a request and the key's own record alone: never from what
 * somebody says about them, from the time, or from what was asked before.
 */
export interface FactType {
  /**
   * `sats`: a whole number of satoshis. `share`: a whole number of ten-thousandths. `text`: one text. `texts`: as many texts as
   * the request names, none among them.
   */
  readonly is: 'sats' | 'share' | 'text' | 'texts';
  /** What it is called inside a sentence, without an article. */
  readonly noun: string;
}

/** Facts by name. */
export type FactTypes = Readonly<Record<string, FactType>>;

/** A number from 0 on; or texts, each once. Null: the request is about such a thing, and its bytes do not say which. */
export type FactValue = number | readonly string[] | null;

/** What a request says by its bytes, by name. A fact that is not in it has no meaning for such a request. */
export type Facts = Readonly<Record<string, FactValue>>;

/** The fact that every request has, and that no kind names itself. */
export const KIND_FACT: FactTypes = { kind: { is: 'text', noun: 'kind' } };
