/**
 * What one FROST signature costs one signer and the aggregator, beside noble's FROST in the same run.
 * Needs a build: `npx tsc -b packages/threshold`, then `node packages/threshold/bench/frost.mjs [--json]`.
 */
import { randomBytes } from 'node:crypto';
import { ed25519_FROST, ristretto255_FROST } from '@noble/curves/ed25519.js';
import { p256_FROST } from '@noble/curves/nist.js';
import { schnorr_FROST, secp256k1_FROST } from '@noble/curves/secp256k1.js';
import { secret } from '@ckm/foundation';
import {
  aggregate,
  commitNonces,
  deriveKey,
  frostSuite,
  NO_TWEAK,
  signShare,
  verifySignature,
} from '@ckm/threshold';

const PEERS = {
  'secp256k1-tr': schnorr_FROST,
  ed25519: ed25519_FROST,
  secp256k1: secp256k1_FROST,
  'P-256': p256_FROST,
  ristretto255: ristretto255_FROST,
};
const GOALS = { 'secp256k1-tr': 15, ed25519: 30 };
const QUORUMS = [
  [2, 3],
  [7, 10],
];
const json = process.argv.includes('--json');
const message = randomBytes(32);

/** Median of several batches, in microseconds. */
function time(operation, { batches = 9, size }) {
  const costs = [];
  for (let batch = -1; batch < batches; batch++) {
    const inputs = Array.from({ length: size }, () => operation.prepare());
    const start = process.hrtime.bigint();
    for (const input of inputs) operation.run(input);
    const cost = Number(process.hrtime.bigint() - start) / 1000 / size;
    if (batch >= 0) costs.push(cost);
  }
  return costs.sort((a, b) => a - b)[batches >> 1];
}

/** One dealt key in noble's form and in ours, with a signing package of `needed` signers in both. */
function deal(suite, needed, of) {
  const peer = PEERS[suite];
  const dealt = peer.trustedDealer({ min: needed, max: of });
  const ids = Array.from({ length: of }, (_, i) => peer.Identifier.fromNumber(i + 1));
  const key = {
    suite,
    quorum: { needed, of },
    groupKey: dealt.public.commitments[0],
    commitment: dealt.public.commitments,
    verifyingShares: ids.map((id) => dealt.public.verifyingShares[id]),
    chainCode: new Uint8Array(32),
  };
  const shares = ids.map((id, i) => ({
    party: i + 1,
    share: secret(dealt.secretShares[id].signingShare),
    public: key,
  }));
  return { peer, dealt, ids, key, shares };
}

function ourSide({ key, shares }) {
  const derived = deriveKey(key, NO_TWEAK);
  const signers = shares.slice(0, key.quorum.needed);
  const commit = ({ party, share }) =>
    commitNonces({ suite: key.suite, party, share, random: randomBytes(64) });
  const others = signers.slice(1).map(commit);
  const begin = () => {
    const own = commit(signers[0]);
    return { own, package: { message, commitments: [own, ...others].map(({ commitment }) => commitment) } };
  };
  const sign = ({ own, package: signing }) =>
    signShare({ key: derived, share: signers[0], nonces: own.nonces, package: signing });
  const finishable = () => {
    const all = signers.map(commit);
    const signing = { message, commitments: all.map(({ commitment }) => commitment) };
    const answers = all.map(({ nonces }, i) => ({
      party: signers[i].party,
      share: signShare({ key: derived, share: signers[i], nonces, package: signing }),
    }));
    return { key: derived, package: signing, shares: answers };
  };
  return { commit: () => commit(signers[0]), begin, sign, finishable };
}

function peerSide({ peer, dealt, ids, key }) {
  const signers = ids.slice(0, key.quorum.needed).map((id) => dealt.secretShares[id]);
  const others = signers.slice(1).map((share) => peer.commit(share).commitments);
  const begin = () => {
    const own = peer.commit(signers[0]);
    return { own, list: [own.commitments, ...others] };
  };
  const sign = ({ own, list }) => peer.signShare(signers[0], dealt.public, own.nonces, list, message);
  const finishable = () => {
    const all = signers.map((share) => peer.commit(share));
    const list = all.map(({ commitments }) => commitments);
    const answers = signers.map((share, i) => [
      share.identifier,
      peer.signShare(share, dealt.public, all[i].nonces, list, message),
    ]);
    return { list, shares: Object.fromEntries(answers) };
  };
  return { commit: () => peer.commit(signers[0]), begin, sign, finishable };
}

function report(name, ours, peerValue, goal) {
  const ratio = peerValue / ours;
  if (json) {
    const line = { name, unit: 'µs', ours, peer: 'noble', peerValue, ratio, goal: goal ?? null };
    console.log(JSON.stringify({ ...line, met: goal === undefined ? null : ratio >= goal }));
    return;
  }
  const wanted = goal === undefined ? '' : `  goal ${goal}× ${ratio >= goal ? 'met' : 'MISSED'}`;
  const [a, b] = [ours, peerValue].map((value) => value.toFixed(0).padStart(7));
  console.log(`${name.padEnd(34)} ours ${a} µs   noble ${b} µs   ${ratio.toFixed(1).padStart(6)}×${wanted}`);
}

function compare(suite, needed, of) {
  const dealt = deal(suite, needed, of);
  const [ours, peer] = [ourSide(dealt), peerSide(dealt)];
  const nothing = () => undefined;
  const label = `${suite} ${needed}of${of}`;
  const measure = (a, b, size, peerSize) => [time(a, { size }), time(b, { size: peerSize, batches: 5 })];
  const [ourCommit, peerCommit] = measure(
    { prepare: nothing, run: ours.commit },
    { prepare: nothing, run: peer.commit },
    40,
    8,
  );
  report(`commit ${label}`, ourCommit, peerCommit);
  const [ourSign, peerSign] = measure(
    { prepare: ours.begin, run: ours.sign },
    { prepare: peer.begin, run: peer.sign },
    20,
    4,
  );
  report(`signShare ${label}`, ourSign, peerSign, GOALS[suite]);
  const judge = ({ list, shares }) => dealt.peer.aggregate(dealt.dealt.public, list, message, shares);
  const [ourSum, peerSum] = measure(
    { prepare: ours.finishable, run: aggregate },
    { prepare: peer.finishable, run: judge },
    6,
    2,
  );
  report(`aggregate ${label}`, ourSum, peerSum);
}

function showGrowth(suite) {
  for (const needed of [2, 5, 10, 15, 20]) {
    const ours = ourSide(deal(suite, needed, 32));
    const cost = time({ prepare: ours.begin, run: ours.sign }, { size: 10, batches: 5 });
    if (json)
      console.log(JSON.stringify({ name: `signShare ${suite} ${needed}of32`, unit: 'µs', ours: cost }));
    else
      console.log(
        `signShare ${suite} ${needed}of32`.padEnd(34),
        `ours ${cost.toFixed(0).padStart(7)} µs`,
        `  ${(cost / needed).toFixed(0)} µs for each signer`,
      );
  }
}

function showSecondOpinion(suite) {
  const ours = ourSide(deal(suite, 2, 3));
  const finished = ours.finishable();
  const { signature } = aggregate(finished);
  const run = () => verifySignature(suite, finished.key.groupKey, message, signature);
  const cost = time({ prepare: () => undefined, run }, { size: 5, batches: 5 });
  if (json) console.log(JSON.stringify({ name: `verifySignature ${suite}`, unit: 'µs', ours: cost }));
  else console.log(`verifySignature ${suite}`.padEnd(34), `ours ${cost.toFixed(0).padStart(7)} µs`);
}

if (!json)
  for (const suite of Object.keys(PEERS)) console.log(`${suite}: ${frostSuite(suite).group.backend}`);
for (const suite of Object.keys(PEERS)) for (const [needed, of] of QUORUMS) compare(suite, needed, of);
for (const suite of ['secp256k1-tr', 'ed25519']) showGrowth(suite);
for (const suite of ['secp256k1-tr', 'ed25519']) showSecondOpinion(suite);
