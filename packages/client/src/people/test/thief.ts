import { type KeyTerms, signFreeze } from '@ckm/api';
import { StateError } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import { type BareCaller, giveTerms, requesterOf, voteFor } from '@ckm/server/test';
import { createQuorumSigner } from '@ckm/testkit';
import type { Client } from '../../client.js';
import { identityForServer } from '../../seed/identity.js';
import { keyOwnerIdentity } from '../../seed/key-owner.js';
import type { NetworkServer } from '../../test/test-network.js';
import {
  codeOf,
  DAY,
  type Family,
  type FamilyDevice,
  KEY,
  messageIn,
  PEOPLE,
  type PersonName,
  type Place,
  wordsOf,
} from './family.js';

/** What a thief has of the owner, and whom he has bought. */
export interface Thief {
  readonly place?: Place | FamilyDevice;
  readonly operatorOf?: NetworkServer;
  readonly approver?: PersonName;
}

/** One thing that he tries, and what came of it. */
export type Tried = Readonly<Record<string, string | number>>;

const PAIRS = [
  [1, 2],
  [1, 3],
  [2, 3],
] as const;

const isDevice = (place: Place | FamilyDevice): place is FamilyDevice => 'forKey' in place;

/** A thief goes by no client of ours: he asks each server as whoever he is. */
async function handsOf(family: Family, place: Place | FamilyDevice) {
  const { network, keyId } = family;
  const callers: BareCaller[] = await Promise.all(
    network.servers.map(async (server) =>
      isDevice(place) ? server.bare.asDevice(place.at(server)) : family.asWords(server),
    ),
  );
  const forKey: Identity = isDevice(place) ? place.forKey : keyOwnerIdentity(wordsOf(), keyId);
  const { public: key } = await place.run((client) => client.showKey(KEY));
  const expiresAt = network.now + 600;
  const signer = createQuorumSigner({ servers: callers, keyId, purpose: 'message', key, expiresAt });
  const ask = (domain: string, text: string) => {
    const asked = { ...messageIn(domain, text), requestId: crypto.getRandomValues(new Uint8Array(32)) };
    return { asked, requester: requesterOf({ ...asked, keyId, expiresAt }, forKey) };
  };
  return { signer, ask, callers };
}

/** The server of a bribed operator goes by no rules. */
export async function bribe(family: Family, server: NetworkServer): Promise<void> {
  const { xid } = identityForServer(wordsOf(), server.identity.xid);
  const { context } = server.bare;
  const approvals = [{ when: { all: [] }, needed: 0, of: [] }];
  await giveTerms(context, xid, family.keyId, { approvals, rateLimit: null });
}

/**
 * How many texts he has signed that nobody is asked about, by whatever quorums.
 * @param liar the slot of a server that goes by no rules, which is then in each of them
 */
export async function signsUntilRefused(
  family: Family,
  place: Place | FamilyDevice,
  liar: number | null = null,
): Promise<number> {
  const pairs = PAIRS.filter((pair) => liar === null || pair.some((slot) => slot === liar));
  const { signer, ask } = await handsOf(family, place);
  let [signed, misses] = [0, 0];
  for (let turn = 0; misses < pairs.length; turn++) {
    const pair = pairs[turn % pairs.length]!;
    const { asked, requester } = ask('test', `taken ${turn}`);
    const done = await codeOf(
      (async () => {
        const attempt = await signer.prepare(pair);
        for (const slot of pair) {
          const { answer } = await signer.request(slot, asked, { attempt, requester });
          if (answer === null) throw refused();
        }
      })(),
    );
    misses = done === 'OK' ? 0 : misses + 1;
    if (done === 'OK') signed += 1;
  }
  return signed;
}

function refused(): StateError {
  return new StateError('no share', { code: 'NO_SHARE', hint: 'none' });
}

/** How many of two servers give a share of what people are asked about, with what yeses he can bring. */
export async function sharesOfAsked(family: Family, { place, approver }: Thief): Promise<number> {
  const { signer, ask } = await handsOf(family, place!);
  const { asked, requester } = ask('asked', 'taken');
  const attempt = await signer.prepare([1, 2]);
  const askBoth = async () => {
    let shares = 0;
    for (const slot of [1, 2]) {
      const reply = await signer.request(slot, asked, { attempt, requester });
      shares += reply.answer === null ? 0 : 1;
    }
    return shares;
  };
  await askBoth();
  if (approver !== undefined) {
    const [shown] = await family.asked(approver, family.network.servers[1]!);
    await family.say(approver, shown!, {});
  }
  return askBoth();
}

/** Terms as the owner writes them, with something else in it. */
export async function proposes(place: Place, change: Partial<KeyTerms>): Promise<string> {
  return place.run(async (client) => {
    const { approvers, ownerKey: _ownerKey, ...terms } = (await client.showKey(KEY)).record.policy;
    const names = approvers!.map(({ name }) => name);
    const written = { ...terms, ...change, approvers: names } as never;
    return tried(
      client
        .proposeTerms(KEY, written)
        .then(({ servers }) => servers.map((one) => one.code ?? `${one.verdict} ${one.missing}`).join(', ')),
    );
  });
}

/** What came of it, or the code with which it was refused. */
async function tried<T>(work: Promise<T>): Promise<T | string> {
  let done: T | undefined;
  const code = await codeOf(
    work.then((value) => {
      done = value;
      return value;
    }),
  );
  return code === 'OK' ? done! : code;
}

export const LOOSER: Partial<KeyTerms> = { rateLimit: { count: 100, perSeconds: DAY } };
export const TIGHTER: Partial<KeyTerms> = { rateLimit: { count: 1, perSeconds: DAY } };

/** Everything that takes an account, and puts nobody out: what became of it, or the code with which it was refused. */
export async function tryAll(place: Place): Promise<Tried> {
  const run = (work: (client: Client) => Promise<unknown>) => tried(place.run(work)).then(String);
  const wish = { kind: 'requorum', quorum: { needed: 2, of: 2 }, servers: ['alpha', 'bravo'] } as const;
  return {
    export: await run((client) => client.exportKey(KEY)),
    servers: await run((client) => client.changeKey({ name: KEY, wish })),
    loosens: await proposes(place, LOOSER),
    contact: await run(async (client) => {
      const { contact } = await client.setContact({ server: 'alpha', contact: { kind: 'operator' } });
      return contact.state;
    }),
    contactGoes: await run(
      async (client) => (await client.removeContact({ server: 'bravo', contact: 'xid' }))?.state ?? 'gone',
    ),
    freezes: await run(async (client) => ((await client.freezeKey(KEY, DAY)).isStopped ? 'stopped' : 'not')),
    thaws: await run(async (client) =>
      (await client.thawKey(KEY)).servers.map(({ verdict }) => verdict).join(', '),
    ),
  };
}

/** Freezes the whole account at each server. @returns what became of it there */
export async function freezesAccount(place: Place, seconds: number): Promise<string> {
  return place.run(async (client) => {
    const { servers } = await client.freezeAccount(null, seconds);
    return servers.map(({ verdict, code }) => code ?? verdict).join(', ');
  });
}

/** Asks to have that ended. @returns what each server says then */
export async function thawsAccount(place: Place): Promise<string> {
  return place.run(async (client) => {
    const { servers } = await client.thawAccount(null);
    return servers.map(({ verdict, code }) => code ?? verdict).join(', ');
  });
}

/** @returns what became of it at each server, or the code with which it was refused */
export async function removes(place: Place, name: string): Promise<readonly string[] | string> {
  return tried(
    place.run(async (client) => {
      const { servers } = await client.removeDevice({ name });
      return servers.map(({ error, outcome }) => error?.code ?? outcome);
    }),
  );
}

/** As whoever is bribed freezes the key, at all servers. */
export async function approverFreezes(family: Family, who: PersonName, seconds: number): Promise<string> {
  const { network, keyId } = family;
  const times = { from: network.now, until: network.now + seconds };
  const freeze = signFreeze(PEOPLE[who], { keyId, id: crypto.getRandomValues(new Uint8Array(32)), times });
  const codes: string[] = [];
  for (const { bare } of network.servers)
    codes.push(await codeOf((await bare.as(PEOPLE[who])).call('freeze.carry', { freeze })));
  return codes.join(', ');
}

/**
 * An operator puts a vote in somebody's name before the other servers, for a request of the owner that his own server shows him.
 * @param bought who says yes besides
 * @returns what each of the other two servers says of the forged one, to him and to the owner
 */
export async function forgesVote(
  family: Family,
  at: NetworkServer,
  inTheNameOf: PersonName,
  bought?: PersonName,
): Promise<readonly string[]> {
  const { signer, ask } = await handsOf(family, family.laptop);
  const { asked, requester } = ask('asked', 'of the owner');
  for (const slot of [1, 2, 3]) await signer.request(slot, asked, { requester });
  const others = family.network.servers.filter((server) => server !== at);
  const [shown] = await family.asked(inTheNameOf, others[0]!);
  if (bought !== undefined) await family.say(bought, shown!, {});
  const audience = family.network.servers.map(({ identity }) => identity.xid);
  const { xid } = PEOPLE[inTheNameOf];
  const vote = voteFor(at.identity, shown!, audience, { issuedAt: family.network.now, approver: xid });
  const said: string[] = [];
  for (const { bare, name } of others) {
    const given = await bare.asAnybody(at.identity).call('approval.give', { votes: [vote] });
    const slot = family.network.servers.findIndex((one) => one.name === name) + 1;
    // As a client of the owner would that believes him.
    const { people } = await signer.request(slot, asked, { requester, votes: [vote] });
    said.push(...given.refused.map(({ code }) => code), ...people!.refused.map(({ code }) => code));
  }
  return said;
}
