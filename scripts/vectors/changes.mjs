// The key of each suite of the vectors, 2 of 3, shared out by alpha and charlie to a next epoch of charlie and bravo, 2 of 2.
import { encodeReceipt, receiptStatement, signIdentityStatement } from '@ckm/api';
import {
  createStaticKey,
  encodeChange,
  encodeChangeCertificate,
  encodeVotes,
  hashOrder,
  judgeVotes,
  readinessStatement,
  receiverKeyStatement,
  reshareProtocol,
  seatsOf,
  simulate,
  statementBytes,
  verifyChange,
  verifyFirstEpoch,
} from '@ckm/threshold';
import { rosterOf } from './keys.mjs';
import { bytesOf, identities, NAMES } from './servers.mjs';

const DEALERS = [1, 3];
const MEMBERS = [3, 2];
const QUORUM = { needed: 2, of: 2 };

/** @param made what `makeKey` made @param deciders slots of those that decide */
export function changeVector(made, deciders = DEALERS) {
  const { before, change, run, signed, transcriptHash } = runChange(made);
  const certificate = certificateOf(before, signed, transcriptHash, deciders);
  const next = verifyChange(before, certificate, judgeVotes);
  return {
    suite: made.suite,
    change: encodeChange(change),
    certificate: encodeChangeCertificate(certificate),
    order: change.order,
    transcriptHash: next.transcriptHash,
    view: run.wire.find(({ body }) => body.round === 1).body.view,
    groupKey: next.public.groupKey,
    commitment: next.public.commitment,
    verifyingShares: next.public.verifyingShares,
    chainCode: next.public.chainCode,
    receipts: [{}, { backups: { taken: 31, destroyed: 30 } }].map((counted) =>
      receiptVector(before, counted),
    ),
    readiness: MEMBERS.map((slot, i) => readyFor(next, identities[slot - 1], i + 1)),
  };
}

/** The certificate of the same change by too few of those that have to decide: it is whole, and decides nothing. */
export function undecidedChange(made, deciders) {
  const { before, signed, transcriptHash } = runChange(made);
  return encodeChangeCertificate(certificateOf(before, signed, transcriptHash, deciders));
}

function certificateOf(before, signed, transcriptHash, deciders) {
  const decision = decide(before, signed.change.order, transcriptHash, deciders);
  return { kind: 'change', ...signed, ...encodeVotes(decision) };
}

/** All that dealers and receivers do. */
function runChange({ params, certificate: first, outputs }) {
  const before = verifyFirstEpoch(first);
  const { change, statics } = changeOf(before);
  const dealing = rosterOf({ ...params }).statics;
  const run = simulate({
    protocol: reshareProtocol,
    parties: seatsOf(before, change).map(({ seat }) => seat),
    params: (me) => partOf(before, change, me, { dealing, statics, outputs }),
    seed: (seat) => bytesOf(`change seed of ${seat}`),
  });
  const { signed, transcriptHash } = run.outcomes.get(1).output;
  return { before, change, run, signed, transcriptHash };
}

/** What a server of the next epoch signs where that is to count. */
function readyFor({ params: { keyId, epoch }, transcriptHash }, identity, slot) {
  return signIdentityStatement(identity, readinessStatement({ keyId, epoch, slot, transcriptHash }));
}

/** What alpha says of its share of the epoch before, where it knows how many backups may hold it, and where not. */
function receiptVector({ params: { keyId }, transcriptHash }, counted) {
  const said = { keyId, epoch: 0, transcriptHash, slot: 1, mode: 'epoch', shareDeleted: true };
  const receipt = encodeReceipt({ ...said, lastBackupAt: 1_790_000_000, ...counted });
  return { receipt, signature: signIdentityStatement(identities[0], receiptStatement(receipt)) };
}

/** Its parameters, and the static keys of the next epoch. */
function changeOf({ params, transcriptHash }) {
  const { suite, keyId } = params;
  const scope = { ...params, epoch: 1, previous: transcriptHash };
  const order = hashOrder({
    keyId,
    epoch: 0,
    transcriptHash,
    quorum: QUORUM,
    termsVersion: 0,
    roster: MEMBERS.map((slot) => ({
      serverId: identities[slot - 1].xid,
      identityKey: identities[slot - 1].publicKeys.signing.bytes,
    })),
  });
  const nonces = MEMBERS.map((slot) => bytesOf(`nonce of ${NAMES[slot - 1]}`));
  const statics = MEMBERS.map((slot) =>
    createStaticKey(suite, keyId, 1, bytesOf(`next static seed of ${NAMES[slot - 1]}`)),
  );
  const roster = MEMBERS.map((slot, i) => {
    const identity = identities[slot - 1];
    const entry = {
      slot: i + 1,
      serverId: identity.xid,
      identityKey: identity.publicKeys.signing.bytes,
      sealingKey: identity.publicKeys.agreement,
      staticKey: statics[i].staticKey,
      staticProof: statics[i].staticProof,
      url: `https://${NAMES[slot - 1]}.example`,
    };
    const statement = receiverKeyStatement({ ...scope, ...entry, order, nonce: nonces[i] });
    return { ...entry, identitySignature: signIdentityStatement(identity, statement) };
  });
  const dealers = DEALERS.map((slot) => ({ epoch: 0, slot, nonce: bytesOf(`nonce of dealer ${slot}`) }));
  const next = { ...scope, quorum: QUORUM, roster };
  return { change: { next, order, termsVersion: 0, dealers, nonces }, statics };
}

/** What the party at one seat starts with. */
function partOf(before, change, me, { dealing, statics, outputs }) {
  const { dealer, receiver } = seatsOf(before, change)[me - 1];
  const slot = dealer === null ? null : change.dealers[dealer].slot;
  return {
    before,
    change,
    me,
    deals:
      slot === null
        ? null
        : {
            share: outputs[slot - 1].share.share,
            staticSecret: dealing[slot - 1].staticSecret,
            nonce: change.dealers[dealer].nonce,
          },
    receives:
      receiver === null
        ? null
        : { staticSecret: statics[receiver - 1].staticSecret, nonce: change.nonces[receiver - 1] },
  };
}

/** Members promise, lock and yield in the first attempt. */
function decide({ params, transcriptHash }, order, next, deciders) {
  const epoch = { keyId: params.keyId, epoch: 0, transcriptHash };
  const sign = (statement) => {
    const signature = signIdentityStatement(identities[statement.slot - 1], statementBytes(epoch, statement));
    return { ...statement, signature };
  };
  const all = (said) => deciders.map((slot) => sign({ slot, attempt: 1, mayFork: false, ...said }));
  return {
    attempt: 1,
    next,
    promises: all({ kind: 'promise', orderHash: order, highest: null, recall: new Uint8Array(32) }),
    locks: all({ kind: 'lock', next }),
    yields: all({ kind: 'yield', next }),
  };
}
