import {
  encodeCall,
  type FunctionName,
  type HeirCallName,
  type KeyTerms,
  parseReply,
  type Parameters,
  type Result,
  signAlive,
  type SignedStatement,
  type SilenceView,
} from '@ckm/api';
import { secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { type CeremonyOptions, createQuorumSigner } from '@ckm/testkit';
import {
  type BareCaller,
  type BareOptions,
  type BareServer,
  TEST_TIME,
} from '../../sessions/test/bare-server.js';
import { alice, type BareServers, makeKey, mallory } from '../../sessions/test/bare-servers.js';
import { giveTerms } from '../../sessions/test/given-terms.js';
import { passSilently } from './pass-silently.js';

export const DAY = 86_400;
const someone = (byte: number) => createIdentity(secret(new Uint8Array(32).fill(byte)));
export const owner = someone(1);
export const laptop = someone(2);
export const eve = someone(3);
export const adam = someone(4);

const approver = (name: string, who: Identity) => ({
  name,
  xid: who.xid,
  keys: [{ kind: 'ed25519' as const, key: who.publicKeys.signing.bytes }],
});

/** After thirty days eve may use the key; adam is an approver, and no heir. */
export const heirTerms = {
  ownerKey: owner.publicKeys.signing.bytes,
  approvers: [approver('eve', eve), approver('adam', adam)],
  silence: { afterSeconds: 30 * DAY, grants: [{ who: 'eve', may: ['use' as const] }] },
} satisfies Partial<KeyTerms>;

/** Somebody whom terms name, at one server, who calls functions of a key in the place of its owner. */
export function heirAt(server: BareServer, who: Identity, keyId: Uint8Array): BareCaller {
  const meant = { keyId, first: null };
  return {
    name: server.name,
    call: async <F extends FunctionName>(name: F, parameters: Parameters<F>): Promise<Result<F>> => {
      const called = name as HeirCallName;
      const body = encodeCall(called, parameters as Parameters<HeirCallName>);
      const reply = await server.asAnybody(who).call('heir.use', { ...meant, called, body });
      return parseReply(called, reply.body) as Result<F>;
    },
  };
}

interface KeyOptions {
  readonly count?: number;
  readonly needed?: number;
  readonly terms?: Partial<KeyTerms>;
  /** What the key is made with besides. */
  readonly made?: Partial<CeremonyOptions>;
  /** What the first server is made with besides. */
  readonly first?: Partial<BareOptions>;
}

/** A key of several servers that has an heir; one clock is for all of them. */
export async function keyWithHeir(
  network: BareServers,
  { count = 3, needed, terms = heirTerms, first = {}, made: making = {} }: KeyOptions = {},
) {
  const clock = { now: TEST_TIME };
  const now = () => clock.now;
  const one = await network.open({ name: 'alpha', now, ...first });
  const { servers: others } = await network.openMany(count - 1, { now });
  const servers = [one, ...others];
  const callers = await Promise.all(servers.map((server) => server.as(alice)));
  const made = await makeKey(callers, { ...making, ...(needed === undefined ? {} : { needed }) });
  const { keyId } = made;
  for (const { context } of servers) await giveTerms(context, alice.xid, keyId, terms);
  const slots = servers.map((_one, at) => at + 1);
  const at = (slot: number) => servers[slot - 1]!;
  let number = 0;

  const ask = (slot: number, more: Partial<Parameters<'heir.ask'>> = {}, who = eve) =>
    at(slot)
      .asAnybody(who)
      .call('heir.ask', { keyId, first: null, nonces: [], said: [], ...more });

  /** An honest heir goes round once: asks all, has each answer the others, and brings the answers. */
  async function round(among: readonly number[] = slots): Promise<readonly SilenceView[]> {
    const nonces: Uint8Array[] = [];
    for (const slot of among) {
      const { nonce } = await ask(slot);
      if (nonce !== null) nonces.push(nonce);
    }
    const said: SignedStatement[] = [];
    for (const slot of among) said.push(...(await ask(slot, { nonces })).heard);
    const views: SilenceView[] = [];
    for (const slot of among) views.push((await ask(slot, { said })).view);
    return views;
  }

  /** So much is counted at those servers, as if they had run for so long and heard nothing. */
  async function pass(seconds: number, among: readonly number[] = slots): Promise<void> {
    for (const slot of among) await passSilently(at(slot), keyId, seconds);
    for (let i = 0; i < 2; i++) {
      clock.now += 1_200;
      for (const slot of among) await at(slot).sessions.sweep();
    }
  }

  // Whoever has made the key has been heard; that is behind him.
  await pass(0);
  return {
    ...made,
    clock,
    servers,
    her: callers,
    ask,
    round,
    pass,
    /** The owner gives a sign of life to those servers. */
    alive: async (...heardBy: readonly number[]) => {
      const alive = signAlive(owner, { keyId, number: ++number });
      for (const slot of heardBy) await (await at(slot).as(mallory)).call('alive.carry', { alive });
    },
    signerOf: (who: Identity) =>
      createQuorumSigner({
        servers: servers.map((server) => heirAt(server, who, keyId)),
        keyId,
        key: made.key,
        purpose: 'message',
        expiresAt: clock.now + 600,
      }),
    deeds: async (slot: number): Promise<readonly string[]> => {
      const { context } = at(slot);
      const lines = await context.storage.read((reader) => context.audit.list(reader, 1, 500));
      return lines.map(({ deed }) => deed).filter((deed) => deed.startsWith('silence.'));
    },
    restart: async (slot: number, changes: Partial<BareOptions> = {}) => {
      servers[slot - 1] = await network.restart(at(slot), changes);
    },
  };
}
