// What must hold of people and devices, each by its number in docs/checklist.md: what is wrong, after any step of a life.
import {
  deviceId,
  type DevicesDocument,
  devicesBehind,
  firstDevices,
  nextDevices,
  signDevices,
  signVoucher,
  type ShownMatter,
  type SignedVoucher,
  type VoteStatement,
} from '@ckm/api';
import { encodeHex, equalBytes, secret } from '@ckm/foundation';
import { createIdentity } from '@ckm/gordian';
import { voteFor } from '@ckm/server/test';
import { identityForServer } from '../../seed/identity.js';
import type { NetworkServer } from '../../test/test-network.js';
import {
  codeOf,
  DAY,
  type FamilyDevice,
  LIMIT,
  PEOPLE,
  type PersonName,
  QUARANTINE,
  wordsOf,
} from './family.js';
import type { PeopleLife, Release } from './people-life.js';

/** Says what is wrong, in sentences. */
export type Rule = (life: PeopleLife) => Promise<readonly string[]>;

/** Longest time that a server may count before it looks at its clock. */
const STEP = 1_200;
/** For which looser terms wait. */
const TERMS_DELAY = 3 * DAY;
const forger = createIdentity(secret(new Uint8Array(32).fill(0x66)));
const random = () => crypto.getRandomValues(new Uint8Array(32));

/** A removed device is refused by every server that heard of it. */
const P1: Rule = (life) =>
  atEach(life, async (server, wrong) => {
    for (const name of life.state(server).out) {
      const device = life.devices.get(name)!;
      const code = await codeOf(device.call(server, 'device.show', { after: null }));
      if (code !== 'MESSAGE_NOT_AUTHENTICATED')
        wrong(`${server.name} answers ${name}, which is out: ${code}`);
    }
  });

/** A device that is young removes no older one, and sets no contact. */
const P2: Rule = (life) =>
  atEach(life, async (server, wrong) => {
    const list = await listAt(life, server);
    const { cameAt } = life.state(server);
    const listed = [...life.devices.values()].filter((device) => isOn(list, device, server));
    for (const young of listed) {
      const came = cameAt.get(young.name)!;
      if (life.ran - came >= QUARANTINE) continue;
      const older = listed.find(({ name }) => cameAt.get(name)! < came);
      const set = { id: random(), contact: { kind: 'operator' } } as const;
      if ((await codeOf(young.call(server, 'contact.set', set))) === 'OK')
        wrong(`${young.name}, which is young, set a contact at ${server.name}`);
      if (older === undefined) continue;
      const gone = deviceId(older.at(server).publicKeys);
      const keys = list.keys.filter(({ id }) => !equalBytes(id, gone));
      const who = young.at(server);
      const signed = signDevices(nextDevices(list, keys, deviceId(who.publicKeys)), who);
      if ((await codeOf(young.call(server, 'device.update', { documents: [signed] }))) === 'OK')
        wrong(`${young.name}, which is young, removed ${older.name} at ${server.name}`);
    }
  });

/** A vote for another key, terms, audience, content or time counts nowhere. */
const P3: Rule = (life) =>
  onWaiting(life, async (server, shown, wrong) => {
    const others: readonly Partial<VoteStatement>[] = [
      { termsHash: random() },
      { audience: [random()] },
      { payloadHash: random() },
      { keyId: random() },
      { issuedAt: life.family.network.now - 2 * DAY, expiresAt: life.family.network.now - DAY },
    ];
    for (const other of others) {
      if ((await givenAt(life, server, shown, PEOPLE.ann, { serial: 999, ...other })) === null)
        wrong(`${server.name} took a vote with another ${Object.keys(other)[0]!}`);
    }
  });

/** Two votes of one person count once: a share that two are asked about had two people’s yes. */
const P4: Rule = (life) => Promise.resolve(withFewer(life, ({ saidYes }) => saidYes));

/** What counted is what stood there when the share left: no word that was taken back by then, or had ended. */
const P5: Rule = (life) => Promise.resolve(withFewer(life, ({ yes }) => yes));

/** Nobody makes a server believe in a vote. */
const P6: Rule = (life) =>
  onWaiting(life, async (server, shown, wrong) => {
    if ((await givenAt(life, server, shown, forger, { approver: PEOPLE.bob.xid, serial: 999 })) === null)
      wrong(`${server.name} took a vote that was forged`);
  });

/** Terms go on by one version after the other, the same at each server, and none goes back but with its database. */
const P7: Rule = async (life) => {
  const wrong: string[] = [];
  const agreed = [...life.loosened.values()].filter((since) => since !== null);
  const ripe = agreed.filter((since) => life.ran - since >= TERMS_DELAY - STEP).length;
  const byVersion = new Map<number, string>();
  for (const server of life.family.network.servers) {
    const words = await life.family.asWords(server);
    const { version, hash } = await words.call('terms.show', { keyId: life.family.keyId, after: null });
    const before = life.terms.get(server.name);
    if (!life.restored.has(server.name) && version < (before ?? 0))
      wrong.push(`${server.name} went back to version ${version} of the terms`);
    life.terms.set(server.name, version);
    const known = byVersion.get(version) ?? encodeHex(hash);
    byVersion.set(version, known);
    if (known !== encodeHex(hash))
      wrong.push(`version ${version} of the terms is another one at ${server.name}`);
    if (version > life.tightened + ripe)
      wrong.push(`${server.name} has version ${version} of the terms, which nobody could bring about`);
  }
  return wrong;
};

/** Whoever was refused an account does not get it by waiting. */
const P8: Rule = async (life) => {
  const wrong: string[] = [];
  for (const { server, by } of life.vetoed) {
    const code = await codeOf(by.run((client) => client.finishRecovery(server, 'new')));
    if (code === 'OK') wrong.push(`a recovery at ${server} was ended that a device had said no to`);
  }
  return wrong;
};

/** Who is no contact, and who is one and vouches for somebody else, are told the same. */
const P9: Rule = (life) =>
  atEach(life, async (server, wrong) => {
    const asker = createIdentity(secret(random()));
    const { now } = life.family.network;
    const show = (voucher: SignedVoucher) => {
      const contact = { kind: 'xid', name: '' } as const;
      const shown = { contact, proof: { voucher }, deed: 'recover' } as const;
      return codeOf(server.bare.asStranger(asker).call('recovery.prove', shown));
    };
    const { xid } = server.identity;
    const own = signVoucher({ server: xid, vouched: 'recovery', about: asker.xid, issuedAt: now }, forger);
    const codes = [await show(own), await show(life.strayVouchers.get(server.name)!)];
    if (codes[0] !== codes[1] || codes[0] === 'OK')
      wrong(`${server.name} tells who is a contact: ${codes.join(', ')}`);
  });

/** No server counts more silence than it ran since it heard the owner. */
const P10: Rule = (life) =>
  atEach(life, async (server, wrong) => {
    const words = await life.family.asWords(server);
    const { silence } = await words.call('key.life', { keyId: life.family.keyId });
    // Of a day’s other messages the first alone counts.
    const most = life.ran - life.heardAt.get(server.name)! + DAY + STEP;
    const silent = silence?.silentSeconds ?? 0;
    if (silent > most) wrong(`${server.name} counts ${silent} s of silence where at most ${most} can be`);
  });

/** Nothing left a server where the key was frozen. */
const P11: Rule = (life) =>
  Promise.resolve(
    life.releases
      .filter(({ isFrozen }) => isFrozen)
      .map(({ server }) => `${server} released a share while frozen`),
  );

/** No server sees an account or a device under what another one calls it. */
const P12: Rule = async (life) => {
  const seen = new Map<string, string>();
  const wrong: string[] = [];
  for (const server of life.family.network.servers) {
    const { xid } = identityForServer(wordsOf(), server.identity.xid);
    const { keys } = await listAt(life, server);
    const { contacts } = await (await life.family.asWords(server)).call('contact.list', {});
    const named = [xid, ...keys.map(({ id }) => id), ...contacts.map(({ id }) => id)].map(encodeHex);
    for (const name of new Set(named)) {
      if (seen.has(name)) wrong.push(`${server.name} and ${seen.get(name)!} see the same ${name}`);
      seen.set(name, server.name);
    }
  }
  return wrong;
};

/** By whatever quorums, in a window no more is signed than ⌊nq/t⌋. */
const P13: Rule = (life) => {
  const spans = new Map<string, number[]>();
  for (const { requestId, letInAt } of life.releases)
    spans.set(requestId, [...(spans.get(requestId) ?? []), letInAt]);
  const signed = [...spans.values()].filter(({ length }) => length >= 2);
  const within = (end: number) =>
    signed.filter((times) => Math.min(...times) > end - DAY && Math.max(...times) <= end).length;
  const most = Math.max(0, ...signed.map((times) => within(Math.max(...times))));
  const bound = Math.floor((3 * LIMIT) / 2);
  return Promise.resolve(most > bound ? [`${most} signatures in one day`] : []);
};

/** Silence first: whatever else is asked is a sign of life. */
export const RULES: Readonly<Record<string, Rule>> = {
  P10,
  P1,
  P2,
  P3,
  P4,
  P5,
  P6,
  P7,
  P8,
  P9,
  P11,
  P12,
  P13,
};

async function atEach(
  life: PeopleLife,
  look: (server: NetworkServer, wrong: (what: string) => void) => Promise<void>,
): Promise<readonly string[]> {
  const said: string[] = [];
  for (const server of life.family.network.servers) await look(server, (what) => said.push(what));
  return said;
}

/** Looks at what waits for people, a request at each server at most. */
function onWaiting(
  life: PeopleLife,
  look: (server: NetworkServer, shown: ShownMatter, wrong: (what: string) => void) => Promise<void>,
): Promise<readonly string[]> {
  return atEach(life, async (server, wrong) => {
    const asked = await life.family.asked('ann', server);
    const shown = asked.find(({ matter }) => matter === 'request');
    if (shown !== undefined) await look(server, shown, wrong);
  });
}

/** The code with which a vote is refused; null: it was taken. */
async function givenAt(
  life: PeopleLife,
  server: NetworkServer,
  shown: ShownMatter,
  who: typeof forger,
  more: Partial<VoteStatement>,
): Promise<string | null> {
  const { network } = life.family;
  const audience = network.servers.map(({ identity }) => identity.xid);
  const vote = voteFor(who, shown, audience, { issuedAt: network.now, ...more });
  let code: string | null = null;
  const done = await codeOf(
    server.bare
      .asAnybody(PEOPLE.ann)
      .call('approval.give', { votes: [vote] })
      .then(({ refused }) => {
        code = refused[0]?.code ?? null;
        return refused;
      }),
  );
  return done === 'OK' ? code : done;
}

async function listAt(life: PeopleLife, server: NetworkServer): Promise<DevicesDocument> {
  const { xid, publicKeys } = identityForServer(wordsOf(), server.identity.xid);
  const words = await life.family.asWords(server);
  const { links } = await words.call('device.show', { after: null });
  return devicesBehind(firstDevices(server.identity.xid, xid, publicKeys), links);
}

function isOn(list: DevicesDocument, device: FamilyDevice, server: NetworkServer): boolean {
  const id = deviceId(device.at(server).publicKeys);
  return list.keys.some((one) => equalBytes(one.id, id));
}

/** Shares of what two people are asked about that left with fewer of them. */
function withFewer(
  { releases }: PeopleLife,
  who: (release: Release) => readonly PersonName[],
): readonly string[] {
  return releases
    .filter((one) => one.isAsked && new Set(who(one)).size < 2)
    .map(
      (one) => `${one.server} released a share that two are asked about, with the yes of ${who(one).join()}`,
    );
}
