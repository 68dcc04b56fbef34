import { readExportAsked, readSettleAsked, readThawAsked, type ShownMatter } from '@ckm/api';
import { encodeHex } from '@ckm/foundation';
import { formatWords, likenessOf } from '@ckm/gordian';
import type { Description } from '@ckm/requests';
import type { ApproverKey } from './approver-key.js';

/**
 * An export, as an approver reads it out of its bytes. Its six words are those that the owner reads out and operators type.
 * @throws EncodingError `EXPORT_ASKED_INVALID`, `CBOR_…`
 */
export function readExport(shown: ShownMatter, { keyName }: Pick<ApproverKey, 'keyName'>): Description {
  const { epoch, heir } = readExportAsked(shown.payload, shown);
  const who = heir === undefined ? 'whoever asks' : `${heir}, who asks because its owner is silent,`;
  const sentence = `Give the key ${keyName} itself out: ${who} has the whole of it then, and needs nobody any more.`;
  const rows = [
    {
      label: 'six words',
      value: formatWords(likenessOf(shown.matterId)),
      note: `${heir ?? 'the owner'} has the same`,
    },
    { label: 'epoch', value: String(epoch) },
  ];
  return { sentence, rows, warnings: [], blind: false };
}

/** The end of a freeze before its time, as an approver reads it out of its bytes. @throws EncodingError `THAW_ASKED_INVALID`, `CBOR_…` */
export function readThaw(shown: ShownMatter, { keyName }: Pick<ApproverKey, 'keyName'>): Description {
  const { freezeId } = readThawAsked(shown.payload, shown);
  const sentence = `End a freeze of the key ${keyName} before its time: it may be used again.`;
  const rows = [{ label: 'freeze', value: encodeHex(freezeId.subarray(0, 4)) }];
  return { sentence, rows, warnings: [], blind: false };
}

/**
 * Which of several certificates of one epoch is to count, as an approver reads it out of its bytes: each by the six words that its owner is shown of it.
 * @throws EncodingError `SETTLE_ASKED_INVALID`, `CBOR_…`
 */
export function readSettling(shown: ShownMatter, { keyName }: Pick<ApproverKey, 'keyName'>): Description {
  const { epoch, counts, others } = readSettleAsked(shown.payload, shown);
  const sentence = `Settle that of ${others.length + 1} certificates of epoch ${epoch + 1} of the key ${keyName} one counts: what servers have by another one dies.`;
  const words = (name: Uint8Array) => formatWords(likenessOf(name));
  const rows = [
    { label: 'counts', value: words(counts) },
    ...others.map((name) => ({ label: 'dies', value: words(name) })),
    { label: 'six words', value: words(shown.matterId), note: 'the owner has the same' },
  ];
  return { sentence, rows, warnings: [], blind: false };
}
