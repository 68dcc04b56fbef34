/**
 * What resharing a key costs all its parties together: every dealer's dealing, every receiver's checks, share and signature,
 * and every party's check of all signatures. CPU time, median of several runs, in turns with the making of the same key by the same parties.
 * Needs a build: `npx tsc -b packages/threshold`, then `node packages/threshold/bench/reshare.mjs [--json]`.
 */
import { randomBytes } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import {
  createStaticKey,
  groupNamed,
  groupOfSuite,
  hashOrder,
  orderOf,
  receiverKeyStatement,
  reshareProtocol,
  seatsOf,
  SUITE_NAMES,
  verifyFirstEpoch,
} from '@ckm/threshold';
import { createParties, generate } from './dkg-parties.mjs';

const QUORUMS = [
  [2, 3, 150],
  [7, 10, 3000],
];
const RUNS = 9;
const json = process.argv.includes('--json');

/** A refresh: the same servers and quorum, the first of them deal. */
function createRefresh(suite, needed, of) {
  const parties = createParties(suite, needed, of);
  const { shares, certificate } = sharesOf(parties);
  const before = verifyFirstEpoch(certificate);
  const { params, transcriptHash } = before;
  const next = { ...params, epoch: 1, previous: transcriptHash };
  const termsVersion = 0;
  const order = hashOrder(orderOf(before, { next, termsVersion }));
  const receivers = params.roster.map((old, i) =>
    receiver(next, order, { ...old, identity: parties[i].identity }),
  );
  const change = {
    next: { ...next, roster: receivers.map(({ entry }) => entry) },
    order,
    termsVersion,
    dealers: params.roster.slice(0, needed).map(({ slot }) => ({ epoch: 0, slot, nonce: randomBytes(32) })),
    nonces: receivers.map(({ nonce }) => nonce),
  };
  return seatsOf(before, change).map(({ seat, dealer }) => ({
    before,
    change,
    me: seat,
    deals:
      dealer === null
        ? null
        : {
            share: shares[seat - 1],
            staticSecret: parties[seat - 1].staticSecret,
            nonce: change.dealers[dealer].nonce,
          },
    receives: { staticSecret: receivers[seat - 1].staticSecret, nonce: receivers[seat - 1].nonce },
  }));
}

function sharesOf(parties) {
  const { outputs } = generate(parties);
  return { shares: outputs.map(({ share }) => share.share), certificate: outputs[0].certificate };
}

function receiver(next, order, { slot, serverId, identityKey, sealingKey, url, identity }) {
  const nonce = randomBytes(32);
  const made = createStaticKey(next.suite, next.keyId, next.epoch, randomBytes(32));
  const entry = {
    slot,
    serverId,
    identityKey,
    sealingKey,
    staticKey: made.staticKey,
    staticProof: made.staticProof,
    url,
  };
  const identitySignature = ed25519.sign(receiverKeyStatement({ ...next, ...entry, order, nonce }), identity);
  return { entry: { ...entry, identitySignature }, nonce, staticSecret: made.staticSecret };
}

/** All parties, all rounds: CPU time in milliseconds. */
function refresh(parties) {
  const since = process.cpuUsage();
  let steps = parties.map((party) => reshareProtocol.start(party, randomBytes(32)));
  for (const round of [0, 1]) {
    const said = steps.flatMap((step, i) =>
      step.outbox.map(({ body }) => ({ from: parties[i].me, round, body })),
    );
    steps = steps.map((step, i) =>
      reshareProtocol.advance(
        step.state,
        said.filter(({ from }) => from !== parties[i].me),
      ),
    );
  }
  const { user, system } = process.cpuUsage(since);
  if (steps.some(({ kind }) => kind !== 'finished')) throw new Error('honest parties did not agree');
  return (user + system) / 1000;
}

function generation(parties) {
  const since = process.cpuUsage();
  generate(parties);
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

const median = (times) => times.sort((a, b) => a - b)[RUNS >> 1];

function report(suite, [needed, of, most]) {
  const making = createParties(suite, needed, of);
  const refreshing = createRefresh(suite, needed, of);
  const times = Array.from({ length: RUNS }, () => [refresh(refreshing), generation(making)]);
  const [ours, peerValue] = [0, 1].map((which) => median(times.map((pair) => pair[which])));
  const name = `refresh ${suite} ${needed}of${of}, CPU`;
  const met = ours < most;
  if (json) {
    const line = {
      name,
      unit: 'ms',
      ours,
      peer: 'making the same key',
      peerValue,
      ratio: peerValue / ours,
      most,
      met,
    };
    console.log(JSON.stringify(line));
  } else
    console.log(
      `${name.padEnd(32)} ${ours.toFixed(1).padStart(7)} ms   making it ${peerValue.toFixed(1).padStart(7)} ms   goal ${most} ms ${met ? 'met' : 'MISSED'}`,
    );
}

const only = process.argv.find((argument) => SUITE_NAMES.includes(argument));
for (const suite of SUITE_NAMES.filter((name) => only === undefined || name === only)) {
  if (!json) console.log(`${suite}: ${groupNamed(groupOfSuite(suite)).backend}`);
  for (const quorum of QUORUMS) report(suite, quorum);
}
