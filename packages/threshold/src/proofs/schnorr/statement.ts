import { encodeUtf8 } from '@ckm/foundation';
import type { Element, Group } from '../../group/group.js';
import type { PartyIndex } from '../../protocol/contract.js';

/** "Party `prover` knows x with publicElement = x·G", said inside one context only. */
export interface KnowledgeStatement {
  /** Names protocol and session; a proof made for one context is worthless in another. */
  readonly context: Uint8Array;
  readonly prover: PartyIndex;
  readonly publicElement: Element;
}

/**
 * Everything the challenge binds besides the commitment: group, generator, context, prover, public element.
 * @throws UsageError `ELEMENT_IDENTITY`
 */
export function encodeStatement(group: Group, statement: KnowledgeStatement): readonly Uint8Array[] {
  const prover = Uint8Array.of(statement.prover >>> 8, statement.prover & 0xff);
  return [
    encodeUtf8(group.name),
    group.encode(group.generator),
    statement.context,
    prover,
    group.encode(statement.publicElement),
  ];
}
