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

/** One batch, in microseconds for each run. Inputs are prepared outside the clock. */
function clock({ prepare, run, size }) {
  const inputs = Array.from({ length: size }, prepare);
  const start = process.hrtime.bigint();
  for (const input of inputs) run(input);
  return Number(process.hrtime.bigint() - start) / 1000 / size;
}

/**
 * The best of several batches that take turns: what else a shared machine does can only make a batch slower, and it
 * is busy for all of them alike.
 */
function time(...operations) {
  for (const operation of operations) for (let warm = 0; warm < 3; warm++) clock(operation);
  const costs = operations.map(() => []);
  for (let batch = 0; batch < 9; batch++)
    operations.forEach((operation, i) => costs[i].push(clock(operation)));
  return costs.map((batches) => Math.min(...batches));
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

const nothing = () => undefined;

/** Two keys that take turns: noble has more to do for a taproot key with an odd y, so one of each. */
function dealPair(suite, needed, of) {
  const first = deal(suite, needed, of);
  const parity = ({ key }) => key.groupKey[0];
  for (let tries = 0; tries < 64; tries++) {
    const second = deal(suite, needed, of);
    if (suite !== 'secp256k1-tr' || parity(second) !== parity(first)) return [first, second];
  }
  throw new Error('no key of the other parity in 64 tries');
}

const mean = (pairs) => [0, 1].map((side) => pairs.reduce((sum, pair) => sum + pair[side], 0) / pairs.length);

function compare(suite, needed, of) {
  const label = `${suite} ${needed}of${of}`;
  const [commits, signs, sums] = [[], [], []];
  for (const dealt of dealPair(suite, needed, of)) {
    const [ours, peer] = [ourSide(dealt), peerSide(dealt)];
    const judge = ({ list, shares }) => dealt.peer.aggregate(dealt.dealt.public, list, message, shares);
    commits.push(
      time({ prepare: nothing, run: ours.commit, size: 30 }, { prepare: nothing, run: peer.commit, size: 4 }),
    );
    signs.push(
      time(
        { prepare: ours.begin, run: ours.sign, size: 25 },
        { prepare: peer.begin, run: peer.sign, size: 3 },
      ),
    );
    sums.push(
      time(
        { prepare: ours.finishable, run: aggregate, size: 3 },
        { prepare: peer.finishable, run: judge, size: 1 },
      ),
    );
  }
  report(`commit ${label}`, ...mean(commits));
  report(`signShare ${label}`, ...mean(signs), GOALS[suite]);
  report(`aggregate ${label}`, ...mean(sums));
}

function show(name, cost, remark = '') {
  if (json) console.log(JSON.stringify({ name, unit: 'µs', ours: cost }));
  else console.log(`${name.padEnd(34)} ours ${cost.toFixed(0).padStart(7)} µs${remark}`);
}

function showGrowth(suite) {
  for (const needed of [2, 5, 10, 15, 20]) {
    const ours = ourSide(deal(suite, needed, 32));
    const [cost] = time({ prepare: ours.begin, run: ours.sign, size: 15 });
    show(`signShare ${suite} ${needed}of32`, cost, `   ${(cost / needed).toFixed(0)} µs for each signer`);
  }
}

function showSecondOpinion(suite) {
  const finished = ourSide(deal(suite, 2, 3)).finishable();
  const { signature } = aggregate(finished);
  const run = () => verifySignature(suite, finished.key.groupKey, message, signature);
  show(`verifySignature ${suite}`, time({ prepare: nothing, run, size: 5 })[0]);
}

if (!json)
  for (const suite of Object.keys(PEERS)) console.log(`${suite}: ${frostSuite(suite).group.backend}`);
for (const suite of Object.keys(PEERS)) for (const [needed, of] of QUORUMS) compare(suite, needed, of);
for (const suite of ['secp256k1-tr', 'ed25519']) showGrowth(suite);
for (const suite of ['secp256k1-tr', 'ed25519']) showSecondOpinion(suite);
