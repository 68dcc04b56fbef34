import {
  type ImportProposal,
  type KeyPolicy,
  policyHash,
  type RosterOffer,
  type SessionView,
} from '@ckm/api';
import { encodeHex, secret } from '@ckm/foundation';
import { createQuorumSigner, type QuorumSigner } from '@ckm/testkit';
import {
  dealKey,
  encodeImportDeal,
  groupNamed,
  groupOfSuite,
  type ImportDeal,
  type KeyParams,
  parseCertificate,
  type PartyIndex,
  type SuiteName,
  verifyCertificate,
} from '@ckm/threshold';
import { randomBytes } from 'node:crypto';
import type { BareCaller } from './bare-server.js';
import { SOON } from './bare-servers.js';

export interface ImportOptions {
  readonly servers: readonly BareCaller[];
  readonly suite?: SuiteName;
  readonly purpose?: string;
  readonly policy?: Partial<KeyPolicy>;
  readonly hd?: boolean;
  readonly strict?: boolean;
  /** A canonical scalar; fresh by default. */
  readonly secret?: Uint8Array;
  /** Replaces what one server is shown. */
  readonly dealFor?: (slot: number, deal: ImportDeal) => ImportDeal;
  /** Changes what is dealt. */
  readonly paramsFrom?: (params: KeyParams) => KeyParams;
}

/** The import of a key by an owner who carries it himself, step by step. */
export function createImport(options: ImportOptions) {
  const { servers, suite = 'ed25519', purpose = 'message', hd = false, strict = false } = options;
  const group = groupNamed(groupOfSuite(suite));
  const whole = options.secret ?? group.scalars.parse(group.scalars.reduce(random()));
  const [keyId, sessionId] = [random(), random()];
  const policy: KeyPolicy = {
    kinds: [purpose],
    rateLimit: null,
    expiresAt: null,
    blindAllowed: true,
    approval: 'automatic',
    ...options.policy,
  };
  const proposal: ImportProposal = {
    kind: 'import',
    keyId,
    suite,
    purpose,
    quorum: { needed: 2, of: servers.length },
    policy,
    groupKey: group.encode(group.mulBase(group.scalars.parseSecret(whole.slice()))),
    hd,
    ...(strict ? { strict } : {}),
  };
  const propose = () =>
    Promise.all(
      servers.map((server) => server.call('session.propose', { sessionId, proposal, expiresAt: SOON })),
    );
  const deal = (views: readonly SessionView[]): ImportDeal => {
    const params: KeyParams = {
      suite,
      purpose,
      keyId,
      epoch: 0,
      previous: new Uint8Array(32),
      flags: { dealt: true, exportable: false, exported: false, hd, strict },
      quorum: proposal.quorum,
      termsHash: policyHash(policy),
      roster: views.map(({ offer }, i) => ({ slot: (i + 1) as PartyIndex, ...(offer as RosterOffer) })),
    };
    const chainCode = hd ? random() : new Uint8Array(32);
    const given = options.paramsFrom?.(params) ?? params;
    return dealKey({ params: given, secret: secret(whole.slice()), chainCode }, random());
  };
  const joinAt = (slot: number, dealt: ImportDeal) =>
    servers[slot - 1]!.call('session.join', {
      sessionId,
      parameters: encodeImportDeal(options.dealFor?.(slot, dealt) ?? dealt),
    });
  const deliver = (slot: number, packets: readonly Uint8Array[]) =>
    servers[slot - 1]!.call('session.deliver', { sessionId, packets: [...packets], after: 0 });
  /** Everything, in order. */
  const finish = async (): Promise<readonly SessionView[]> => {
    const dealt = deal(await propose());
    const joined = [];
    for (const [i] of servers.entries()) joined.push(await joinAt(i + 1, dealt));
    const packets = joined.flatMap(({ outbox }) => outbox);
    return Promise.all(servers.map((_, i) => deliver(i + 1, packets)));
  };
  /** Signs with it, once it is there. */
  const signer = async (): Promise<QuorumSigner> => {
    const { certificate } = await servers[0]!.call('key.show', { keyId });
    const key = verifyCertificate(parseCertificate(certificate!)).public;
    return createQuorumSigner({ servers, keyId, key, purpose, expiresAt: SOON });
  };
  return {
    keyId,
    sessionId,
    proposal,
    policy,
    secret: whole,
    propose,
    deal,
    joinAt,
    deliver,
    finish,
    signer,
  };
}

function random(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

/** Some bytes of it changed. */
export function flipped(deal: ImportDeal, at: number): ImportDeal {
  return { ...deal, dealing: deal.dealing.map((byte, i) => (i === at ? byte ^ 1 : byte)) };
}

/** To compare what servers keep. */
export function hexOf(bytes: Uint8Array | null): string {
  return bytes === null ? 'none' : encodeHex(bytes);
}
