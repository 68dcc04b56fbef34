import { readOrderAsked, type ShownMatter } from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import type { Description } from '@ckm/requests';
import type { ApproverKey } from './approver-key.js';

const BY_WORDS =
  ' The words of the owner order it: fewer servers decide than ever do, and the key may fork. Ask the owner.';

/**
 * An order about who holds a key next, as an approver reads it out of its bytes. Servers that he was invited to stand there by their names, others by their
 * six words, which the owner knows.
 * @throws EncodingError `ORDER_INVALID`, `CBOR_…`
 */
export function readOrder(shown: ShownMatter, { servers }: Pick<ApproverKey, 'servers'>): Description {
  const { order, byWords } = readOrderAsked(shown.payload, shown);
  const { quorum, roster, epoch } = order;
  const rows = roster.map(({ serverId }) => {
    const known = servers.find(({ xid }) => equalBytes(xid, serverId));
    const words = formatWords(likenessOf(serverId));
    return known === undefined
      ? { label: 'new to you', value: words }
      : { label: 'server', value: known.name, note: words };
  });
  const sentence = `Let these servers hold the key after epoch ${epoch}: any ${quorum.needed} of ${quorum.of} use it.`;
  return { sentence: byWords ? sentence + BY_WORDS : sentence, rows, warnings: [], blind: false };
}
