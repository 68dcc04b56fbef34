import { changersNeeded } from '@ckm/client';
import { UsageError } from '@ckm/foundation';

/** `2of3` as numbers. @throws UsageError `QUORUM_INVALID` */
export function parseQuorumFlag(text: string): { readonly needed: number; readonly of: number } {
  const match = /^([0-9]{1,3})\s*(?:of|\/)\s*([0-9]{1,3})$/i.exec(text.trim());
  const needed = Number(match?.[1]);
  const of = Number(match?.[2]);
  if (match !== null && needed >= 2 && needed <= of && of <= 32) return { needed, of };
  throw new UsageError(`this is not a quorum: ${text.slice(0, 40)}`, {
    code: 'QUORUM_INVALID',
    hint: whyNot(match !== null, needed, of),
  });
}

function whyNot(isRead: boolean, needed: number, of: number): string {
  if (!isRead) return 'write it like 2of3';
  if (needed > of) return `${needed} servers cannot be needed when there are ${of}: write it like 2of3`;
  if (needed < 2) return 'take at least 2: with 1, a single server could use the key alone';
  return 'take at most 32 servers';
}

/** What a quorum means for whoever uses the key, loses a server, replaces one, or bribes some. */
export function quorumMeaning(
  { needed, of }: { readonly needed: number; readonly of: number },
  strict: boolean,
): string {
  const lost = of - needed;
  if (lost === 0) return `all ${of} servers must sign, and all ${of} together could steal; none may fail`;
  const many = `any ${needed} servers can sign, and ${needed} together could steal; ${lost} may fail`;
  const changers = changersNeeded({ needed, of }, strict);
  return changers === needed ? many : `${many}; to change hands it takes ${changers}`;
}
