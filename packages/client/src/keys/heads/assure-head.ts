import { headStatement, isDrillKeyId, type Parameters, parseHead, verifyIdentityStatement } from '@ckm/api';
import { CkmError, encodeHex, equalBytes, StateError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import { gatherAcknowledgements } from '../gather-acknowledgements.js';
import { certificatesOf, paramsBefore } from '../chain/key-chain.js';
import { orNothing } from '../chain/learn-chain.js';
import { isElsewhere } from '../chain/names-of-epochs.js';
import { showEpochs } from '../chain/show-epochs.js';
import { showSettled } from '../forks/show-settled.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf } from '../roster.js';
import { bringUpServer } from '../terms/terms-of-epochs.js';

/** Why a server does nothing with a key before others have told it something, and what is said of it afterwards. */
const ASKS: Readonly<Record<string, (server: string, key: string) => string>> = {
  KEY_HEAD_UNKNOWN: (server, key) =>
    `${server} came back from an older state: the others have told it how far ${key} is`,
  POLICY_COUNT_UNKNOWN: (server, key) =>
    `${server} did not know how often ${key} was used lately: the others have told it`,
};

/** Who hears of it where others are asked. */
export interface Hearing {
  /** In words, once. */
  tell(text: string): void;
  /** That whoever is in that slot of the newest epoch has counted, and knows nothing any more of what it had published for its next signatures. */
  whenVoided(slot: number): void;
}

const NOBODY: Hearing = { tell: () => undefined, whenVoided: () => undefined };

/**
 * A link to a server of a key that gets on where the server came back from an older state, or has not counted how often the key was used: the
 * others are asked, it is shown what they say, and is asked again. So is one that was stopped by a certificate that was settled not to count, as
 * one that was made from nothing can be: it is shown what was settled, where that is on record here.
 */
export function assuringLink(
  context: ClientContext,
  key: CertifiedKey,
  participant: Participant,
  link: ServerLink,
  hearing: Hearing = NOBODY,
): ServerLink {
  let assured: Promise<void> | undefined;
  async function assure(said: (server: string, key: string) => string): Promise<void> {
    if (await assureHead(context, key, participant, link, hearing))
      hearing.tell(said(participant.server.name, key.record.name));
  }
  let shown: Promise<boolean> | undefined;
  /** Whether what keeps a server from answering is out of the way. */
  async function helps(code: string): Promise<boolean> {
    if (code === 'KEY_FORKED') return (shown ??= showSettled(context, key, participant, link));
    const said = ASKS[code];
    // Of the key of a drill nobody is asked: another one is made.
    if (said === undefined || isDrillKeyId(key.keyId)) return false;
    await (assured ??= assure(said));
    return true;
  }
  return {
    chainPageBytes: link.chainPageBytes,
    call: async (name, parameters, options) => {
      // Behind a fork that is settled a server may ask how far the key is.
      for (const helped = new Set<string>(); ;) {
        try {
          return await link.call(name, parameters, options);
        } catch (error) {
          const code = error instanceof CkmError ? error.code : '';
          if (helped.has(code) || !(await helps(code))) throw error;
          helped.add(code);
        }
      }
    },
  };
}

/**
 * Does so for every server of a key that asks, before they are to do something with it together. Whom that does not help says so later.
 * @returns whether any of them says that it is in an epoch by another certificate, or has seen two
 */
export async function assureHeads(context: ClientContext, key: CertifiedKey): Promise<boolean> {
  const elsewhere = await Promise.all(
    (await rosterOf(context, key)).map(async (participant) => {
      try {
        await assureHead(context, key, participant, await context.linkTo(participant.server));
        return false;
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
        return error.code === 'KEY_FORKED' || error.facts['isOtherCertificate'] === true;
      }
    }),
  );
  return elsewhere.includes(true);
}

/**
 * Brings a server to the epoch of this client, and to the terms in force where it has missed any, and shows it what the other servers say of how far the key is, and
 * of how often it was used.
 * @param isBroughtUp whether it was shown terms that it had missed
 * @returns whether it asked
 * @throws StateError `KEY_EPOCH_DIFFERS` where it is in an epoch by another certificate: it is shown nothing; `HEADS_TOO_FEW`, `COUNTS_TOO_FEW`,
 * `KEY_EPOCH_DIFFERS`, `CHANGE_SHARE_LOST`, as the server words it
 */
async function assureHead(
  context: ClientContext,
  key: CertifiedKey,
  participant: Participant,
  link: ServerLink,
  hearing: Pick<Hearing, 'whenVoided'> = NOBODY,
  isBroughtUp = false,
): Promise<boolean> {
  const { keyId } = key;
  const { slot: own, server: asking } = participant;
  const { whenVoided } = hearing;
  const ask = () => link.call('key.head', { keyId, nonce: context.random(32) });
  let asked = await ask();
  const { epoch, transcriptHash } = parseHead(asked.head);
  if (isElsewhere(key.record, { epoch, transcriptHash })) throw byAnother(asking.name, key, epoch);
  if (asked.asks === null) return false;
  const newest = key.newest.params.epoch;
  if (epoch < newest) {
    const roster = (await rosterOf(context, key)).filter(({ slot }) => slot !== own);
    const others = await withoutElsewhere(context, key, roster);
    const certificates = certificatesOf(key.record);
    const said = await gatherAcknowledgements(context, { newest: key.newest, certificates }, others);
    await showEpochs(link, keyId, certificates.slice(epoch + 1), said);
    // What it asks is of the epoch that it is in now.
    asked = await ask();
    if (asked.asks === null) return true;
  }
  const { asks: nonce, windows = [], rosters = [] } = asked;
  const question = { keyId, nonce, ...(windows.length === 0 ? {} : { windows }) };
  const witnesses = await witnessesOf(context, key, [newest, ...rosters]);
  const others = witnesses.filter(({ server }) => !equalBytes(server.xid, asking.xid)).slice(0, MOST_HEADS);
  const said = await Promise.all(others.map((one) => headSaidBy(context, one, question)));
  if (windows.length > 0) for (const { slot, epoch: its } of others) if (its === newest) whenVoided(slot);
  try {
    await link.call('key.heads', { keyId, heads: said.flat() });
  } catch (error) {
    const isBehind = error instanceof CkmError && error.code === 'TERMS_BEHIND';
    if (!isBehind || isBroughtUp || !(await bringUpServer(context, key, own))) throw error;
    // By the terms that it has then, it asks about more.
    return assureHead(context, key, participant, link, hearing, true);
  }
  return true;
}

/** So many can be shown at once; the newest come first. */
const MOST_HEADS = 64;

function byAnother(server: string, { record: { name } }: CertifiedKey, epoch: number): StateError {
  return new StateError(`${server} is in epoch ${epoch} of ${name} by another certificate`, {
    code: 'KEY_EPOCH_DIFFERS',
    hint: 'have the servers of the key settle which of the two counts',
    remedy: { kind: 'settleKey', key: name },
    facts: { server, epoch, isOtherCertificate: true },
    retryable: false,
  });
}

/** Those that would take our certificate for a second one are not shown it. */
async function withoutElsewhere(
  context: ClientContext,
  { keyId, record }: CertifiedKey,
  participants: readonly Participant[],
): Promise<readonly Participant[]> {
  const here = await Promise.all(
    participants.map(async ({ server }) => {
      const shown = await orNothing(async () => (await context.linkTo(server)).call('key.show', { keyId }));
      if (shown === undefined) return true;
      const { epoch, left, transcriptHash } = shown.key;
      return !isElsewhere(record, { epoch: left ?? epoch, transcriptHash });
    }),
  );
  return participants.filter((_, i) => here[i]);
}

/** Who may say something of a key, by its slot in an epoch. */
interface Witness extends Participant {
  readonly epoch: number;
}

/** Servers on record that are of these epochs, each once, by the first of them. */
async function witnessesOf(
  context: ClientContext,
  key: CertifiedKey,
  epochs: readonly number[],
): Promise<readonly Witness[]> {
  const known = [...paramsBefore(key.record, key.newest.params.epoch), key.newest.params];
  const witnesses = new Map<string, Witness>();
  for (const params of known.filter(({ epoch }) => epochs.includes(epoch)).toReversed()) {
    const { epoch } = params;
    for (const one of await rosterOf(context, { record: key.record, newest: { ...key.newest, params } })) {
      const name = encodeHex(one.server.xid);
      if (!witnesses.has(name)) witnesses.set(name, { ...one, epoch });
    }
  }
  return [...witnesses.values()];
}

type Heads = Parameters<'key.heads'>['heads'];

/** What a server says in its own name; whoever is silent or refuses says nothing: the server that asks counts who did. */
async function headSaidBy(
  context: ClientContext,
  { slot, epoch, server }: Witness,
  question: Parameters<'key.head'>,
): Promise<Heads> {
  try {
    const { head, signature } = await (await context.linkTo(server)).call('key.head', question);
    const isIts = verifyIdentityStatement(server.publicKeys.signing.bytes, headStatement(head), signature);
    return isIts ? [{ slot, epoch, head, signature }] : [];
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return [];
    throw error;
  }
}
