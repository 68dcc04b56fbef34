import { encodeHex, formatMoment } from '@ckm/foundation';
import type { VoteMatter, VoteStatement } from './statement.js';

const SAYS = { yes: 'says yes to', no: 'says no to', takeBack: 'takes back what was said of' } as const;
const MATTERS: Readonly<Record<VoteMatter, string>> = {
  request: 'request',
  terms: 'change of terms',
  order: 'order about who holds the key',
  export: 'export of the key',
  thaw: 'end of a freeze',
  case: 'case of silence',
};

/** What an approver said, in words: out of the bytes of his vote alone, so that it is the same everywhere. @param name as the terms have it */
export function voteSentence(
  name: string,
  { verdict, matter, matterId, kind, keyId, serial, expiresAt }: VoteStatement,
): string {
  const about = matter === 'request' ? ` (${kind})` : '';
  const what = `${MATTERS[matter]} ${short(matterId)}${about} with key ${short(keyId)}`;
  const until = verdict === 'takeBack' ? '' : ` until ${formatMoment(expiresAt)}`;
  return `${name} ${SAYS[verdict]} ${what}${until} (word ${serial})`;
}

function short(id: Uint8Array): string {
  return encodeHex(id.subarray(0, 4));
}
