import { encodeHex } from '@ckm/foundation';
import type { Envelope } from '../envelope.js';
import { leafItem } from '../queries.js';
import { knownValueText, summarise } from './summary.js';

const MAX_TEXT = 40;

/**
 * One line for each part, with the first four bytes of its digest: which parts there are, and which are hidden.
 * Source: bc-envelope-rust, src/format/tree.rs and its tests.
 */
export function formatTree(envelope: Envelope): string {
  const lines: string[] = [];
  visit(envelope, 0, '', lines);
  return lines.join('\n');
}

function visit(envelope: Envelope, level: number, edge: string, lines: string[]): void {
  const digest = encodeHex(envelope.digest.subarray(0, 4));
  lines.push(`${'    '.repeat(level)}${digest} ${edge}${labelOf(envelope)}`);
  switch (envelope.kind) {
    case 'node':
      visit(envelope.subject, level + 1, 'subj ', lines);
      for (const one of envelope.assertions) visit(one, level + 1, '', lines);
      return;
    case 'wrapped':
      visit(envelope.envelope, level + 1, 'cont ', lines);
      return;
    case 'assertion':
      visit(envelope.predicate, level + 1, 'pred ', lines);
      visit(envelope.object, level + 1, 'obj ', lines);
      return;
    default:
  }
}

function labelOf(envelope: Envelope): string {
  if (envelope.kind === 'leaf') return summarise(leafItem(envelope), MAX_TEXT);
  return envelope.kind === 'knownValue' ? knownValueText(envelope.value) : envelope.kind.toUpperCase();
}
