import type { ChangeWish, Client } from '@ckm/client';
import { equalBytes } from '@ckm/foundation';
import type { ChaosServer } from './chaos-server.js';
import { repairAnyhow } from './repair-anyhow.js';
import type { Seeded } from './seeded.js';

/** What an owner does with a key besides signing. The numbers say how often, in a hundred. */
const DEEDS = {
  sign: 35,
  'fresh shares': 8,
  'other servers': 10,
  'one more server': 5,
  'one server less': 5,
  'go on': 12,
  repair: 8,
  check: 4,
  freeze: 3,
  thaw: 3,
  'take back': 2,
  'let time pass': 5,
} as const;
export type Deed = keyof typeof DEEDS;

/** Longer than servers want between two tries of a change. */
const WHILE_SECONDS = 620;
const SHORTEST_FREEZE = 60;

export function drawDeed(seeded: Seeded): Deed {
  let number = seeded.below(100);
  for (const [deed, share] of Object.entries(DEEDS) as [Deed, number][]) {
    if (number < share) return deed;
    number -= share;
  }
  throw new Error('the numbers of deeds are not a hundred');
}

/** Who does it, and where. */
export interface Doer {
  readonly client: Client;
  readonly key: string;
  readonly servers: readonly ChaosServer[];
  readonly seeded: Seeded;
  sign(): Promise<void>;
  /** Operators say yes; what goes on is gone on with. */
  goOn(): Promise<void>;
  /** Lets time pass everywhere. */
  pass(seconds: number): void;
  readonly violate: (what: string) => void;
}

/** @throws CkmError whatever keeps it from its end */
export async function perform(deed: Deed, doer: Doer): Promise<void> {
  const { client, key: name, seeded } = doer;
  switch (deed) {
    case 'sign':
      return doer.sign();
    case 'go on':
      return doer.goOn();
    case 'repair':
      return repairOne(doer);
    case 'check':
      return check(doer);
    case 'freeze':
      return void (await client.freezeKey(name, SHORTEST_FREEZE + seeded.below(WHILE_SECONDS)));
    case 'thaw':
      return void (await client.thawKey(name));
    case 'take back':
      return takeBack(doer);
    case 'let time pass':
      return doer.pass(WHILE_SECONDS);
    default:
      return void (await client.changeKey({ name, wish: await wishOf(deed, doer) }));
  }
}

async function wishOf(deed: Deed, doer: Doer): Promise<ChangeWish> {
  if (deed === 'fresh shares') return { kind: 'refresh' };
  const { client, key, servers, seeded } = doer;
  const {
    roster,
    public: { quorum },
  } = await client.showKey(key);
  const isMember = ({ identity }: ChaosServer) =>
    roster.some(({ serverId }) => equalBytes(serverId, identity().xid));
  const members = servers.filter(isMember);
  if (deed === 'one more server' && members.length < servers.length) {
    const { name } = seeded.pick(servers.filter((server) => !isMember(server)));
    return { kind: 'add-server', server: name };
  }
  if (deed === 'one server less' && quorum.of > quorum.needed)
    return { kind: 'remove-server', server: seeded.pick(members).name };
  return otherServers(doer);
}

function otherServers({ servers, seeded }: Doer): ChangeWish {
  const of = 2 + seeded.below(servers.length - 1);
  return {
    kind: 'requorum',
    quorum: { needed: 2 + seeded.below(of - 1), of },
    servers: seeded.some(servers, of).map(({ name }) => name),
  };
}

/** A server that lost its share, where there is one. */
async function repairOne({ client, key, seeded }: Doer): Promise<void> {
  const { servers } = await client.verifyKey(key);
  const lost = servers.filter(({ verdict }) => ['lost', 'forgot', 'behind'].includes(verdict));
  const server = seeded.pick(lost.length > 0 ? lost : servers);
  await repairAnyhow(client, { name: key, server: server.server });
}

async function check({ client, key, violate }: Doer): Promise<void> {
  for (const { server, verdict, text } of (await client.checkKey(key)).servers)
    if (verdict === 'wrong') violate(`${server}, asked for a proof of its share of ${key}: ${text}`);
}

/** Whatever is on its way about the key, from here or from before the disk was put back. */
async function takeBack({ client, key }: Doer): Promise<void> {
  for (const change of await client.listChanges())
    if (change.state === 'open' && change.keyName === key) await client.cancelChange(change, 'not any more');
  for (const order of (await client.openOrders({ name: key })).orders) await client.cancelOrder(order);
}
