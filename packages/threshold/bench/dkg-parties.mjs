/** A key generation of all its parties in one process, for the scripts beside. */
import { randomBytes } from 'node:crypto';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { createStaticKey, dkgProtocol, firstEpoch, staticKeyStatement } from '@ckm/threshold';

/** What each party starts with. */
export function createParties(suite, needed, of) {
  const scope = { suite, keyId: randomBytes(32), ...firstEpoch() };
  const servers = Array.from({ length: of }, (_, i) => {
    const identity = randomBytes(32);
    const { staticSecret, staticKey, staticProof } = createStaticKey(suite, scope.keyId, 0, randomBytes(32));
    const entry = {
      slot: i + 1,
      serverId: randomBytes(32),
      identityKey: ed25519.getPublicKey(identity),
      sealingKey: x25519.getPublicKey(randomBytes(32)),
      staticKey,
      staticProof,
      url: `https://server-${i + 1}.example`,
    };
    const identitySignature = ed25519.sign(staticKeyStatement({ ...scope, ...entry }), identity);
    return { staticSecret, identity, entry: { ...entry, identitySignature } };
  });
  const roster = servers.map(({ entry }) => entry);
  const key = { ...scope, purpose: 'bench', quorum: { needed, of }, roster, termsHash: randomBytes(32) };
  return servers.map(({ staticSecret, identity, entry }) => ({
    key,
    me: entry.slot,
    staticSecret,
    identity,
  }));
}

/** All parties, all rounds, in milliseconds for each round. */
export function generate(parties) {
  const times = [];
  let since = process.hrtime.bigint();
  const lap = () => {
    const now = process.hrtime.bigint();
    times.push(Number(now - since) / 1e6);
    since = now;
  };
  let steps = parties.map((party) => dkgProtocol.start(party, randomBytes(32)));
  lap();
  for (let round = 0; round < 3; round++) {
    const said = steps.map((step, i) => ({ from: i + 1, round, body: step.outbox[0].body }));
    steps = steps.map((step, i) =>
      dkgProtocol.advance(
        step.state,
        said.filter(({ from }) => from !== i + 1),
      ),
    );
    lap();
  }
  if (steps.some(({ kind }) => kind !== 'finished')) throw new Error('honest parties did not agree');
  return { times, output: steps[0].output, outputs: steps.map(({ output }) => output) };
}
