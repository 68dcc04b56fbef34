// What people are asked beside requests and terms: that a key leaves, to its owner and to an heir, that a freeze ends, and which certificate counts.
import {
  ballotOfExport,
  ballotOfSettling,
  ballotOfThaw,
  encodeExportAsked,
  encodeSettleAsked,
  encodeThawAsked,
} from '@ckm/api';
import { bytesOf } from './servers.mjs';

const keyId = bytesOf('key id');
const transcriptHash = bytesOf('transcript hash');
const under = { termsHash: bytesOf('terms hash'), expiresAt: 1_790_003_600 };

export function askedVectors() {
  const leaving = {
    kind: 'export',
    keyId,
    epoch: 3,
    transcriptHash,
    exportId: bytesOf('export id'),
    recipient: bytesOf('recipient'),
  };
  const inherited = { ...leaving, heir: 'eve' };
  const thaw = { keyId, freezeId: bytesOf('id of a freeze') };
  const others = [bytesOf('certificate b'), bytesOf('certificate c')].toSorted(Buffer.compare);
  const settled = { keyId, epoch: 3, transcriptHash, counts: bytesOf('certificate a'), others };
  return [
    vectorOf(encodeExportAsked(leaving), ballotOfExport(leaving, under)),
    vectorOf(encodeExportAsked(inherited), ballotOfExport(inherited, under)),
    vectorOf(encodeThawAsked(thaw), ballotOfThaw(thaw, under)),
    vectorOf(encodeSettleAsked(settled), ballotOfSettling(settled, under)),
  ];
}

function vectorOf(payload, { matter, kind, matterId, payloadHash, tasksHash }) {
  return { matter, kind, payload, matterId, payloadHash, tasksHash };
}
