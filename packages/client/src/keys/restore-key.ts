import { CkmError, type Remedy, UsageError, type Secret } from '@ckm/foundation';
import type { ServerLink } from '../carrier/server-link.js';
import type { Participant } from '../servers/ask-all.js';
import { checkAcknowledgement } from './acknowledgement.js';
import type { ClientContext } from '../context/context.js';
import type { OnProgress } from '../progress/progress.js';
import { openAccount } from '../introduction/add-server.js';
import { serverUnknown } from '../servers/servers.js';
import { rosterOf } from './roster.js';
import { changesOf } from './chain/key-chain.js';
import type { CertifiedKey } from './key-record.js';
import { noteAcknowledged } from './keys.js';
import { askForKey } from './verify-key.js';

export interface RestoreKeyArgs {
  readonly name: string;
  /** The owner's names of the servers to ask; default: all of the key. */
  readonly servers?: readonly string[];
  /** For a server that has lost the account too and takes nobody without. */
  readonly invite?: string | Secret<string>;
}

/**
 * What became of a share. `restored`: it is there again; `held`: it had never gone; `refused`: the server cannot or will
 * not; `differs`: it holds something else; `silent`: it does not answer.
 */
export interface ServerRestoration {
  /** The owner's name of the server. */
  readonly server: string;
  readonly slot: number;
  readonly outcome: 'restored' | 'held' | 'refused' | 'differs' | 'silent';
  /** One line for a person. */
  readonly text: string;
  /** The code of the refusal. */
  readonly code: string | null;
  /** What to do about it; an imperative sentence. */
  readonly hint: string | null;
  /** The same as data. */
  readonly remedy: Remedy | null;
}

export interface KeyRestoration {
  readonly name: string;
  /** Whether every server that was asked holds its share now. */
  readonly isSound: boolean;
  readonly servers: readonly ServerRestoration[];
}

/**
 * The servers of a key that {@link restoreKey} would ask.
 * @throws UsageError `SERVER_UNKNOWN`, `QUORUM_SERVERS_MISMATCH`; StorageError `SERVER_PIN_DIFFERS`
 */
export async function planRestoration(
  context: ClientContext,
  key: CertifiedKey,
  names: readonly string[] | undefined,
): Promise<readonly Participant[]> {
  const roster = await rosterOf(context, key);
  if (names === undefined) return roster;
  return [...new Set(names)].map((name) => {
    const found = roster.find(({ server }) => server.name === name);
    if (found !== undefined) return found;
    throw notOfKey(name, key.record.name);
  });
}

/**
 * Asks the servers of a key whether they have their share, and hands each that has lost it the certificate, out of which
 * it recovers the share by itself. One that has lost the account too is asked to open it again. A promise that the
 * certificate is stored is checked before it counts.
 * @throws as {@link planRestoration}
 */
export async function restoreKey(
  context: ClientContext,
  key: CertifiedKey,
  { servers, invite }: Omit<RestoreKeyArgs, 'name'>,
  on: OnProgress,
): Promise<KeyRestoration> {
  const participants = await planRestoration(context, key, servers);
  const done: ServerRestoration[] = [];
  const report = () => {
    const have = done.filter(isThere).map(({ server }) => server);
    const names = participants.map(({ server }) => server.name);
    const waiting = names.filter((name) => !done.some(({ server }) => server === name));
    on({ job: 'restore', id: '', stage: 'ask', round: 1, of: 1, have, waiting, text: 'restoring shares' });
  };
  report();
  await Promise.all(
    participants.map(async (participant) => {
      done.push(await restoreAt(context, key, participant, invite));
      report();
    }),
  );
  // A share that came back was promised to be stored, also where the first promise never arrived.
  const promised = done.filter(({ outcome }) => outcome === 'restored').map(({ slot }) => slot);
  await noteAcknowledged(context.store, key.record.name, key.newest.params, promised);
  return {
    name: key.record.name,
    isSound: done.every(isThere),
    servers: done.toSorted((a, b) => a.slot - b.slot),
  };
}

function isThere({ outcome }: ServerRestoration): boolean {
  return outcome === 'restored' || outcome === 'held';
}

async function restoreAt(
  context: ClientContext,
  key: CertifiedKey,
  participant: Participant,
  invite: RestoreKeyArgs['invite'],
): Promise<ServerRestoration> {
  const { slot, server } = participant;
  const say = (
    outcome: ServerRestoration['outcome'],
    text: string,
    refusal?: CkmError,
  ): ServerRestoration => {
    const { code = null, hint = null } = refusal ?? {};
    const remedy = code === 'KEY_NOT_RESTORABLE' ? byOthers(key, server.name) : (refusal?.remedy ?? null);
    return { server: server.name, slot, outcome, text, code, hint, remedy };
  };
  try {
    let { verdict, text } = await askForKey(context, key, slot, server);
    if (verdict === 'forgot') {
      await openAccount(context, server, invite);
      ({ verdict, text } = await askForKey(context, key, slot, server));
    }
    if (verdict === 'holds') return say('held', 'has its share');
    if (verdict !== 'lost' && verdict !== 'pending') {
      if (verdict === 'behind') return say('refused', text);
      return say(verdict === 'differs' || verdict === 'refused' ? verdict : 'silent', text);
    }
    const link = await context.linkTo(server);
    checkAcknowledgement(key.newest, participant, await takeFromCertificates(link, key));
    return say('restored', 'has its share again');
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    if (error.errorClass === 'AvailabilityError') return say('silent', error.message, error);
    return say(error.errorClass === 'PeerFaultError' ? 'differs' : 'refused', error.message, error);
  }
}

/**
 * Has a server recover its share from the certificates, the first epoch's first: one after the other, as it would have seen them.
 * One that cannot, since its backups are not static, refuses the first.
 */
async function takeFromCertificates(link: ServerLink, { keyId, record }: CertifiedKey) {
  const { certificate, policy } = record;
  let { transcriptHash, acknowledgement } = await link.call('key.restore', { certificate, policy });
  for (const change of changesOf(record)) {
    const committed = await link.call('change.commit', { keyId, certificate: change });
    transcriptHash = committed.transcriptHash;
    // An acknowledgement of no share is none.
    acknowledgement = committed.acknowledgement ?? new Uint8Array(64);
  }
  return { keyId, transcriptHash, acknowledgement };
}

/** Who cannot help itself is helped by the others. */
function byOthers({ record: { name } }: CertifiedKey, server: string): Remedy {
  return { kind: 'repairKey', keys: [name], server };
}

function notOfKey(server: string, key: string): UsageError {
  if (!/^[a-z0-9][a-z0-9._-]{0,31}$/.test(server)) return serverUnknown(server);
  return new UsageError(`server ${server} is not one of key ${key}`, {
    code: 'QUORUM_SERVERS_MISMATCH',
    hint: 'name servers of the key',
    remedy: { kind: 'showKey', key },
  });
}
