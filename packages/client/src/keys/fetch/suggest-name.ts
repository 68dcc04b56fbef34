import { likenessOf } from '@ckm/gordian';
import { REQUEST_KIND_NAMES } from '@ckm/requests';

const LONGEST = 32;

/**
 * A free name for a key whose own is forgotten: what it is for, and as many words of its likeness as it takes.
 * @param transcriptHash of the key: what its likeness shows
 */
export function suggestName(
  purpose: string,
  transcriptHash: Uint8Array,
  isTaken: (name: string) => boolean,
): string {
  const { words, digest } = likenessOf(transcriptHash);
  const parts = [REQUEST_KIND_NAMES.includes(purpose) ? purpose : 'key', ...words];
  for (let count = 2; count <= parts.length; count++) {
    const name = parts.slice(0, count).join('-');
    if (name.length <= LONGEST && !isTaken(name)) return name;
  }
  const base = `${parts[0]!}-${digest}`;
  let name = base;
  for (let n = 2; isTaken(name); n++) name = `${base}-${n}`;
  return name;
}
