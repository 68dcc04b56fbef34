import { concatBytes, encodeUtf8, UsageError } from '@ckm/foundation';
import type { Element, Group } from '../../group/group.js';

/** One input and what the secret made of it: output = k·input. */
export interface EqualLogsPair {
  readonly input: Element;
  readonly output: Element;
}

/** "The k with publicElement = k·G also turns every input into its output", said inside one context only. */
export interface EqualLogsStatement {
  /** RFC 9497 `contextString`: names protocol, session and prover, or the suite where the RFC's bytes are wanted. */
  readonly context: Uint8Array;
  /** Taken from the certificate of the key, never from the message that carries the proof. */
  readonly publicElement: Element;
  /** 1 to 65535 pairs. */
  readonly pairs: readonly EqualLogsPair[];
}

const SUITES = { ristretto255: 'ristretto255-SHA512', 'P-256': 'P256-SHA256' } as const;

/**
 * Context string of RFC 9497 in VOPRF mode: `OPRFV1-` 0x01 `-` suite.
 * Source: RFC 9497 §3.1, §4
 */
export function voprfContext(group: keyof typeof SUITES): Uint8Array {
  return concatBytes(encodeUtf8('OPRFV1-'), Uint8Array.of(1), encodeUtf8(`-${SUITES[group]}`));
}

/** Whether a statement can be proved or refuted at all: at least one pair, and no identity anywhere. */
export function isWellFormed(group: Group, { publicElement, pairs }: EqualLogsStatement): boolean {
  if (pairs.length < 1 || pairs.length > 0xffff) return false;
  return [publicElement, ...pairs.flatMap(({ input, output }) => [input, output])].every(
    (element) => !group.isIdentity(element),
  );
}

/** @throws UsageError `STATEMENT_INVALID` */
export function assertWellFormed(group: Group, statement: EqualLogsStatement): void {
  if (isWellFormed(group, statement)) return;
  throw new UsageError('a proof of equal logarithms needs at least one pair and no identity', {
    code: 'STATEMENT_INVALID',
    hint: 'check the elements before proving anything about them',
  });
}
