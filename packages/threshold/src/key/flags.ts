import { EncodingError } from '@ckm/foundation';

/** What a key may be used for, and what was done with it, certified with every epoch. `dealt` and `exported` only ever rise. */
export interface KeyFlags {
  /** Some person or machine once had the whole key: it was imported, not generated. */
  readonly dealt: boolean;
  /** Its shares may be given out. Fixed when the key is made; such a key has no children. */
  readonly exportable: boolean;
  /** Its shares were given out. */
  readonly exported: boolean;
  /** Children may be derived from it. */
  readonly hd: boolean;
  /**
   * So many members decide which epoch follows that fewer liars than the quorum cannot fork the key. Fixed when it is made. Source:
   * docs/adr/0036
   */
  readonly strict: boolean;
}

/** Bit i of the byte stands for the i-th of these. */
const NAMES = [
  'dealt',
  'exportable',
  'exported',
  'hd',
  'strict',
] as const satisfies readonly (keyof KeyFlags)[];

/** One byte. */
export function encodeFlags(flags: KeyFlags): Uint8Array {
  return Uint8Array.of(NAMES.reduce((byte, name, bit) => byte | (flags[name] ? 1 << bit : 0), 0));
}

/** @throws EncodingError `KEY_PARAMS_INVALID` for a bit that stands for nothing here */
export function parseFlags(byte: number): KeyFlags {
  if (byte >> NAMES.length !== 0) throw flagsInvalid();
  const isSet = (name: keyof KeyFlags) => ((byte >> NAMES.indexOf(name)) & 1) === 1;
  return {
    dealt: isSet('dealt'),
    exportable: isSet('exportable'),
    exported: isSet('exported'),
    hd: isSet('hd'),
    strict: isSet('strict'),
  };
}

/**
 * Refuses flags that contradict each other: a child's share gives its parent's away, so that a key with children is
 * never exported.
 * @throws EncodingError `KEY_PARAMS_INVALID`
 */
export function assertFlags(flags: KeyFlags): void {
  if (typeof flags !== 'object' || flags === null) throw flagsInvalid();
  if (NAMES.some((name) => typeof flags[name] !== 'boolean')) throw flagsInvalid();
  if ((flags.exportable && flags.hd) || (flags.exported && !flags.exportable)) throw flagsInvalid();
}

function flagsInvalid(): EncodingError {
  return new EncodingError('the parameters of a key have invalid flags', {
    code: 'KEY_PARAMS_INVALID',
    hint: 'ask for the proposal again',
    facts: { field: 'flags' },
  });
}
