import { encodeReceipt, type ShareReceipt } from '@ckm/api';
import { expect, test } from 'vitest';
import { oldSharesOf } from './forgetting.js';

const holder = (name: string, byte: number) => ({ name, xid: new Uint8Array(32).fill(byte) });
const [alpha, bravo, charlie] = [holder('alpha', 1), holder('bravo', 2), holder('charlie', 3)];
const ALL = [alpha, bravo, charlie];

function receiptOf({ name: server, xid }: typeof alpha, epoch: number, said: Partial<ShareReceipt> = {}) {
  const receipt = encodeReceipt({
    keyId: new Uint8Array(32),
    epoch,
    transcriptHash: new Uint8Array(32),
    slot: 1,
    mode: 'epoch',
    shareDeleted: true,
    lastBackupAt: null,
    ...said,
  });
  return { server, xid, epoch, receipt, signature: new Uint8Array(64) };
}

test('shares of epochs long ago are told by epoch and server, as long as nobody has said that they are gone', () => {
  expect(oldSharesOf({}, [ALL, ALL])).toEqual([
    { epoch: 0, servers: ['alpha', 'bravo', 'charlie'] },
    { epoch: 1, servers: ['alpha', 'bravo', 'charlie'] },
  ]);
  const receipts = [
    receiptOf(alpha, 0),
    receiptOf(bravo, 0, { shareDeleted: false }),
    receiptOf(charlie, 0),
    receiptOf(charlie, 1),
  ];
  expect(oldSharesOf({ receipts }, [ALL, ALL])).toEqual([
    { epoch: 0, servers: ['bravo'] },
    { epoch: 1, servers: ['alpha', 'bravo'] },
  ]);
});

test('whoever destroyed its share of a later epoch has ended all before it; whoever can make its share again is not waited for', () => {
  const receipts = [receiptOf(alpha, 2), receiptOf(bravo, 0, { mode: 'static' })];
  expect(oldSharesOf({ receipts }, [ALL, [alpha, bravo]])).toEqual([
    { epoch: 0, servers: ['charlie'] },
    { epoch: 1, servers: ['bravo'] },
  ]);
});
