/**
 * What one FROST signature costs one signer and the aggregator, beside noble's FROST in the same run.
 * Needs a build: `npx tsc -b packages/threshold`, then `node packages/threshold/bench/frost.mjs [--json]`.
 */
import { randomBytes } from 'node:crypto';
import { aggregate, frostSuite, verifySignature } from '@ckm/threshold';
import { deal, ourSide, PEERS } from './frost-key.mjs';

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
    const [ours, peer] = [ourSide(dealt, message), peerSide(dealt)];
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
    const ours = ourSide(deal(suite, needed, 32), message);
    const [cost] = time({ prepare: ours.begin, run: ours.sign, size: 15 });
    show(`signShare ${suite} ${needed}of32`, cost, `   ${(cost / needed).toFixed(0)} µs for each signer`);
  }
}

/** Most that judging a signature may take, in microseconds. */
const MOST = { 'P-256': 450, ristretto255: 300 };

function compareJudges(suite) {
  const dealt = deal(suite, 2, 3);
  const finished = ourSide(dealt, message).finishable();
  const { signature } = aggregate(finished);
  const { groupKey } = finished.key;
  const [ours, peerValue] = time(
    { prepare: nothing, run: () => verifySignature(suite, groupKey, message, signature), size: 10 },
    { prepare: nothing, run: () => dealt.peer.verify(signature, message, groupKey), size: 2 },
  );
  reportMost(`verifySignature ${suite}`, ours, peerValue, MOST[suite]);
}

function reportMost(name, ours, peerValue, most) {
  const met = most === undefined ? null : ours <= most;
  const ratio = peerValue / ours;
  if (json) {
    const line = { name, unit: 'µs', ours, peer: 'noble', peerValue, ratio, most: most ?? null, met };
    console.log(JSON.stringify(line));
    return;
  }
  const wanted = most === undefined ? '' : `  goal ≤ ${most} µs ${met ? 'met' : 'MISSED'}`;
  const [a, b] = [ours, peerValue].map((value) => value.toFixed(0).padStart(7));
  console.log(`${name.padEnd(34)} ours ${a} µs   noble ${b} µs   ${ratio.toFixed(1).padStart(6)}×${wanted}`);
}

if (!json)
  for (const suite of Object.keys(PEERS)) console.log(`${suite}: ${frostSuite(suite).group.backend}`);
for (const suite of Object.keys(PEERS)) for (const [needed, of] of QUORUMS) compare(suite, needed, of);
for (const suite of ['secp256k1-tr', 'ed25519']) showGrowth(suite);
for (const suite of Object.keys(PEERS)) compareJudges(suite);
