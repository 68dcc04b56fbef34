import { type KeyPolicy, policyHash, signIdentityStatement } from '@ckm/api';
import { encodeHex, secret } from '@ckm/foundation';
import { likenessOf } from '@ckm/gordian';
import {
  createStaticKey,
  type DkgOutput,
  dkgProtocol,
  encodeCertificate,
  firstEpoch,
  type KeyParams,
  type PartyIndex,
  recoveryAckStatement,
  type RosterEntry,
  simulate,
  staticKeyStatement,
} from '@ckm/threshold';
import { afterEach, expect, test } from 'vitest';
import { createTestNetwork, type TestNetwork } from '../test/test-network.js';

const QUORUM = { needed: 2, of: 3 };
const POLICY: KeyPolicy = {
  kinds: ['message'],
  rateLimit: null,
  expiresAt: null,
  blindAllowed: false,
  approval: 'automatic',
};
const SUITE = 'ed25519';
const KEY_ID = new Uint8Array(32).fill(42);

let network: TestNetwork;
afterEach(() => network.close());

/** A key of the servers on network, made at a distance from them. */
function keyOfAll(): { readonly params: KeyParams; generate(altered: number | null): DkgOutput } {
  const scope = { suite: SUITE, keyId: KEY_ID, ...firstEpoch() } as const;
  const statics = network.servers.map((_, i) =>
    createStaticKey(SUITE, KEY_ID, 0, new Uint8Array(32).fill(i + 1)),
  );
  const roster = network.servers.map(({ identity, url }, i): RosterEntry => {
    const { staticKey, staticProof } = statics[i]!;
    const { signing, agreement } = identity.publicKeys;
    const serverId = new Uint8Array(identity.xid);
    const entry = { serverId, identityKey: signing.bytes, sealingKey: agreement, staticKey, staticProof };
    const identitySignature = signIdentityStatement(identity, staticKeyStatement({ ...scope, ...entry }));
    return { slot: (i + 1) as PartyIndex, ...entry, identitySignature, url };
  });
  const params: KeyParams = {
    ...scope,
    purpose: 'message',
    quorum: QUORUM,
    termsHash: policyHash(POLICY),
    roster,
  };
  const generate = (altered: number | null) => {
    const run = simulate({
      protocol: dkgProtocol,
      parties: roster.map(({ slot }) => slot),
      params: (me) => ({ key: params, me, staticSecret: statics[me - 1]!.staticSecret }),
      seed: (party) => new Uint8Array(32).fill(100 + party),
      // Whoever signs hedges as he likes: the same transcript, another valid signature of it.
      onStep: (party, step) =>
        party === altered && step.kind === 'waiting' && step.state.round === 1
          ? { ...step, state: { ...step.state, hedge: secret(new Uint8Array(32).fill(77)) } }
          : step,
    });
    const outcome = run.outcomes.get(1 as PartyIndex);
    if (outcome?.kind !== 'finished') throw new Error('the honest run did not finish');
    return outcome.output;
  };
  return { params, generate };
}

/** Every server holds the key, under the certificate that is given for it, and promises to have stored it. */
function hold(outputs: readonly DkgOutput[]): void {
  const summary = {
    keyId: KEY_ID,
    suite: SUITE,
    purpose: 'message',
    quorum: QUORUM,
    state: 'active',
    epoch: 0,
    createdAt: network.now,
  };
  network.servers.forEach((server, i) => {
    const { certificate, transcriptHash } = outputs[i]!;
    const said = { keyId: KEY_ID, epoch: 0, slot: (i + 1) as PartyIndex, transcriptHash };
    const acknowledgement = signIdentityStatement(server.identity, recoveryAckStatement(said));
    server.tamper = async ({ name }, honest) => {
      if (name === 'key.list') return { keys: [summary], next: null };
      if (name === 'key.show')
        return { key: summary, policy: POLICY, certificate: encodeCertificate(certificate) };
      if (name === 'key.certify') return { kind: 'dkg', keyId: KEY_ID, transcriptHash, acknowledgement };
      return honest();
    };
  });
}

test('a certificate altered by one of its servers is still the same key everywhere', async () => {
  network = await createTestNetwork(3);
  const { generate } = keyOfAll();
  const [first, second, third] = [generate(null), generate(2), generate(3)];
  const certificates = [first, second, third].map(({ certificate }) =>
    encodeHex(encodeCertificate(certificate)),
  );
  expect(new Set(certificates).size).toBe(3);
  hold([first, second, third]);
  const client = await network.owner();
  const { keys, faulty } = await client.fetchKeys();
  expect(faulty).toEqual([]);
  expect(keys).toHaveLength(1);
  expect(keys[0]!.servers.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds']);
  const { key, missing } = await client.keepKey(keys[0]!, { name: 'letters' });
  expect(missing).toEqual([]);
  expect(key.isComplete).toBe(true);
  const { isSound, servers } = await client.verifyKey('letters');
  expect(servers.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds']);
  expect(isSound).toBe(true);
  const likenesses = [first, second, third].map(({ transcriptHash }) => likenessOf(transcriptHash));
  expect(likenesses).toEqual(Array.from({ length: 3 }, () => likenessOf(key.transcriptHash)));
});

test('a certificate with a signature that does not hold is not the same key, although its transcript is', async () => {
  network = await createTestNetwork(3);
  const { generate } = keyOfAll();
  const honest = generate(null);
  const signatures = honest.certificate.signatures.map((one, i) =>
    i === 1 ? one.map((byte) => byte ^ 1) : one,
  );
  hold([honest, { ...honest, certificate: { ...honest.certificate, signatures } }, honest]);
  const client = await network.owner();
  const { keys, faulty } = await client.fetchKeys();
  expect(faulty).toMatchObject([{ server: 'bravo' }]);
  await client.keepKey(keys[0]!, { name: 'letters' });
  const { servers } = await client.verifyKey('letters');
  expect(servers.map(({ verdict }) => verdict)).toEqual(['holds', 'differs', 'holds']);
});
