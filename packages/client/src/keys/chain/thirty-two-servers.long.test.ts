// @module-tag long
import {
  CHAIN_PAGE_BYTES,
  type KeyPolicy,
  type Parameters,
  policyHash,
  signIdentityStatement,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { encodeCertificate, encodeChangeCertificate } from '@ckm/threshold';
import { decided, generate, nextInOnePlace } from '@ckm/threshold/test';
import { afterEach, expect, test } from 'vitest';
import type { ServerLink } from '../../carrier/server-link.js';
import { identityForServer } from '../../seed/identity.js';
import { createTestNetwork, OWNER_SEED, ownerClient, type TestNetwork } from '../../test/test-network.js';
import { askWithChain, pagesOf } from './show-chain.js';

let network: TestNetwork;
afterEach(() => network.close());

/** Twenty-five changes of 24 of 32 take a minute of a busy core. */
const MINUTES = 600_000;
const MOST_BODY = 2_097_152;
const EPOCHS = 25;
const QUORUM = { needed: 24, of: 32 } as const;
const POLICY: KeyPolicy = {
  kinds: ['message'],
  rateLimit: null,
  expiresAt: null,
  blindAllowed: false,
  approval: 'automatic',
  changes: 'automatic',
  changeDelay: 0,
};

/** Certificates as servers make them, and as long; one of the servers of the newest epoch is there. */
function longChain(there: Identity) {
  const terms = { purpose: 'message', termsHash: policyHash(POLICY) };
  let epoch = generate('ed25519', QUORUM, 'of 32 servers', terms);
  const chain = [encodeCertificate(epoch.first)];
  const dealers = epoch.names.slice(0, QUORUM.needed);
  const person = {
    serverId: new Uint8Array(there.xid),
    identityKey: there.publicKeys.signing.bytes,
    sealingKey: there.publicKeys.agreement,
    sign: (statement: Uint8Array) => signIdentityStatement(there, statement),
  };
  for (let number = 1; number <= EPOCHS; number++) {
    const isLast = number === EPOCHS;
    const members = isLast ? [...epoch.names.slice(0, -1), 'there'] : epoch.names;
    const wish = { dealers, members, needed: QUORUM.needed, label: `${number}` };
    const persons = new Map(isLast ? [['there', person]] : []);
    const next = decided(
      epoch,
      { ...wish, persons },
      dealers.map((_, i) => i + 1),
      (from, to) => nextInOnePlace(from, to, dealers),
    );
    chain.push(encodeChangeCertificate(next.certificate));
    epoch = next.epoch;
  }
  return { keyId: epoch.certified.params.keyId, chain, newest: epoch.certified };
}

test(
  'a key of 32 servers after 25 epochs, whose certificates go into no message, is fetched by a client with nothing and shown to a server that joins',
  async () => {
    network = await createTestNetwork(2);
    const { keyId, chain, newest } = longChain(network.server('alpha').identity);
    expect(chain.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(MOST_BODY);
    const { suite, purpose, quorum, epoch } = newest.params;
    const summary = {
      keyId,
      suite,
      purpose,
      quorum: { ...quorum },
      state: 'active',
      epoch,
      createdAt: network.now,
    };
    network.server('alpha').tamper = ({ name, parameters }, honest) => {
      if (name === 'key.list') return Promise.resolve({ keys: [summary], next: null });
      if (name === 'key.show')
        return Promise.resolve({ key: summary, policy: POLICY, certificate: chain.at(-1)! });
      if (name !== 'key.chain') return honest();
      const { after } = parameters as Parameters<'key.chain'>;
      const at = after === null ? 0 : after + 1;
      const [page = []] = pagesOf(chain.slice(at), CHAIN_PAGE_BYTES);
      const last = at + page.length - 1;
      return Promise.resolve({ certificates: page, next: last < epoch ? last : null });
    };
    const client = ownerClient(network.send, () => network.now, { timeoutMs: 60_000 });
    const { name, url } = network.server('alpha');
    await client.addServer({ name, url });
    const { keys, faulty } = await client.fetchKeys();
    expect(faulty).toEqual([]);
    expect(keys.map(({ changes, quorum: found }) => [changes?.length, found])).toEqual([
      [EPOCHS, { ...QUORUM }],
    ]);
    await client.close();

    const { bare, identity } = network.server('bravo');
    const caller = await bare.as(identityForServer(secret(OWNER_SEED.slice()), identity.xid));
    const link: ServerLink = {
      chainPageBytes: CHAIN_PAGE_BYTES,
      call: (name, parameters) => caller.call(name, parameters),
    };
    const member = { serverId: new Uint8Array(identity.xid), identityKey: identity.publicKeys.signing.bytes };
    const old = newest.params.roster.slice(1);
    const roster = [...old.map(({ serverId, identityKey }) => ({ serverId, identityKey })), member];
    const { transcriptHash } = newest;
    const order = { keyId, epoch, transcriptHash, quorum: { ...QUORUM }, roster, termsVersion: 0 };
    const ask = (shown: Uint8Array[]) =>
      caller.call('change.propose', { order, chain: shown, policy: POLICY });
    await expect(ask([...chain])).rejects.toThrow();
    expect(await askWithChain(link, keyId, chain, ask)).toMatchObject({ state: 'ready' });
  },
  MINUTES,
);
