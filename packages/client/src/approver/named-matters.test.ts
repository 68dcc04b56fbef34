import {
  ballotOfExport,
  ballotOfSettling,
  ballotOfThaw,
  encodeExportAsked,
  encodeSettleAsked,
  encodeThawAsked,
  type ExportProposal,
  type SettleAsked,
  type ShownMatter,
} from '@ckm/api';
import { formatWords, likenessOf } from '@ckm/gordian';
import { hashExport } from '@ckm/threshold';
import { describe, expect, test } from 'vitest';
import { readExport, readSettling, readThaw } from './named-matters.js';

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const UNDER = { termsHash: bytes(7), expiresAt: 1_800_000_000 };
const KEY = { keyName: 'treasury' };
const refusal = (code: string) => expect.objectContaining({ code }) as Error;

const proposal: ExportProposal = {
  kind: 'export',
  keyId: bytes(9),
  epoch: 4,
  transcriptHash: bytes(8),
  exportId: bytes(6),
  recipient: bytes(5),
};
const thaw = { keyId: bytes(9), freezeId: bytes(3) };

const shownExport = (more: object) =>
  ({
    ...ballotOfExport(proposal, UNDER),
    payload: encodeExportAsked(proposal),
    ...more,
  }) as unknown as ShownMatter;
const shownThaw = (more: object) =>
  ({ ...ballotOfThaw(thaw, UNDER), payload: encodeThawAsked(thaw), ...more }) as unknown as ShownMatter;

const settle: SettleAsked = {
  keyId: bytes(9),
  epoch: 4,
  transcriptHash: bytes(8),
  counts: bytes(6),
  others: [bytes(5), bytes(4)],
};
const shownSettling = (more: object) =>
  ({
    ...ballotOfSettling(settle, UNDER),
    payload: encodeSettleAsked(settle),
    ...more,
  }) as unknown as ShownMatter;

describe('what names itself is read out of its bytes:', () => {
  test('an export, with the six words that its owner has', () => {
    const { sentence, rows } = readExport(shownExport({}), KEY);
    expect(sentence).toMatch(/^Give the key treasury itself out/);
    expect(rows[0]!.value).toBe(formatWords(likenessOf(hashExport(proposal, proposal))));
  });

  test('a settlement, by the six words of each certificate, in whichever order the dead ones are told', () => {
    const { sentence, rows } = readSettling(shownSettling({}), KEY);
    expect(sentence).toMatch(/^Settle that of 3 certificates of epoch 5 of the key treasury one counts/);
    const words = (fill: number) => formatWords(likenessOf(bytes(fill)));
    expect(rows.slice(0, 3)).toEqual([
      { label: 'counts', value: words(6) },
      { label: 'dies', value: words(4) },
      { label: 'dies', value: words(5) },
    ]);
    const turned = { ...settle, others: settle.others.toReversed() };
    expect(ballotOfSettling(turned, UNDER)).toEqual(ballotOfSettling(settle, UNDER));
  });

  test('the end of a freeze, by the id of the freeze', () => {
    const { sentence, rows } = readThaw(shownThaw({}), KEY);
    expect(sentence).toMatch(/^End a freeze of the key treasury before its time/);
    expect(rows).toEqual([{ label: 'freeze', value: '03030303' }]);
  });
});

describe('nobody says yes to', () => {
  test.each<[string, object]>([
    ['another recipient', { payload: encodeExportAsked({ ...proposal, recipient: bytes(4) }) }],
    ['another epoch', { payload: encodeExportAsked({ ...proposal, epoch: 5 }) }],
    ['another key', { keyId: bytes(1) }],
    ['another id', { matterId: bytes(1) }],
    ['the bytes of a thaw', { payload: encodeThawAsked(thaw) }],
    ['another kind', { kind: 'message' }],
  ])('an export with %s', (_, more) => {
    expect(() => readExport(shownExport(more), KEY)).toThrow(refusal('EXPORT_ASKED_INVALID'));
  });

  test.each<[string, object]>([
    [
      'another choice',
      { payload: encodeSettleAsked({ ...settle, counts: bytes(5), others: [bytes(6), bytes(4)] }) },
    ],
    ['fewer that die', { payload: encodeSettleAsked({ ...settle, others: [bytes(5)] }) }],
    ['another kind', { kind: 'order' }],
  ])('a settlement with %s', (_, more) => {
    expect(() => readSettling(shownSettling(more), KEY)).toThrow(refusal('SETTLE_ASKED_INVALID'));
  });

  test.each<[string, object]>([
    ['another freeze', { payload: encodeThawAsked({ ...thaw, freezeId: bytes(4) }) }],
    ['another key', { payload: encodeThawAsked({ ...thaw, keyId: bytes(4) }) }],
    ['another id', { matterId: bytes(1) }],
    ['other tasks', { tasksHash: bytes(1) }],
  ])('the end of a freeze with %s', (_, more) => {
    expect(() => readThaw(shownThaw(more), KEY)).toThrow(refusal('THAW_ASKED_INVALID'));
  });
});
