import { policyHash, type Result } from '@ckm/api';
import { CkmError, encodeHex, equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import type { OnProgress } from '../progress/progress.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords } from '../servers/servers.js';
import { isForgotten } from '../carrier/server-link.js';
import { certificatesOf, epochProvedBy } from './chain/key-chain.js';
import type { CertifiedKey } from './key-record.js';

/**
 * What one server says about a key, checked against the certificate we hold. `lost`: it has the account and not the key;
 * `forgot`: it does not even know the account, or somebody on the way says so. `refused`: it answers, and says nothing
 * about the key (a suspended account, a clock too far off), which is no reason to suspect its copy. `behind`: it is in another epoch than
 * we are; whoever was away learns the certificates between. `forked`: it has stopped the key, because two certificates of one epoch hold, or went on by another one.
 */
export interface ServerVerdict {
  /** The owner's name of the server; its XID in hex when it is not on record. */
  readonly server: string;
  readonly slot: number;
  readonly verdict:
    | 'holds'
    | 'differs'
    | 'forked'
    | 'behind'
    | 'pending'
    | 'lost'
    | 'forgot'
    | 'refused'
    | 'silent'
    | 'unknown';
  /** One line for a person. */
  readonly text: string;
  /** The code of the error, where there is no answer to judge. */
  readonly code: string | null;
  /** It says that it decides on no change of this epoch before all others have reminded it; absent: it says nothing of the kind. */
  readonly hasForgotten?: true;
  /** It says that it has nothing to deal its share with, which the others gave back in this epoch; absent: it says nothing of the kind. */
  readonly cannotDeal?: true;
}

export interface KeyVerification {
  readonly name: string;
  /** Whether every server of the key holds the same certificate and policy, and may use its share. */
  readonly isSound: boolean;
  readonly servers: readonly ServerVerdict[];
}

/**
 * Asks every server of a key for its copy of certificate and policy. The certificate here was checked before.
 * @param silent servers that are known not to answer: nobody waits for them once more
 */
export async function verifyKey(
  context: ClientContext,
  key: CertifiedKey,
  on: OnProgress,
  silent: readonly string[] = [],
): Promise<KeyVerification> {
  const records = await listServerRecords(context.store);
  const verdicts = await Promise.all(
    key.roster.map(async ({ slot, serverId }): Promise<ServerVerdict> => {
      const record = records.find((one) => equalBytes(one.xid, serverId));
      if (record === undefined) {
        const server = encodeHex(serverId).slice(0, 16);
        return {
          server,
          slot,
          verdict: 'unknown',
          text: 'not among your servers any more',
          code: 'SERVER_UNKNOWN',
        };
      }
      if (silent.includes(record.name)) {
        const server = record.name;
        return { server, slot, verdict: 'silent', text: 'does not answer', code: 'SERVER_TIMEOUT' };
      }
      return askForKey(context, key, slot, record);
    }),
  );
  const holding = verdicts.filter(({ verdict }) => verdict === 'holds').map(({ server }) => server);
  const waiting = verdicts.filter(({ verdict }) => verdict !== 'holds').map(({ server }) => server);
  const { of } = key.public.quorum;
  on({
    job: 'check',
    id: '',
    stage: 'done',
    round: 1,
    of: 1,
    have: holding,
    waiting,
    text: `${holding.length} of ${of} servers hold it`,
  });
  return { name: key.record.name, isSound: waiting.length === 0, servers: verdicts };
}

/** Asks one server of a key. */
export async function askForKey(
  context: ClientContext,
  key: CertifiedKey,
  slot: number,
  record: ServerRecord,
): Promise<ServerVerdict> {
  const server = record.name;
  try {
    const link = await context.linkTo(record);
    const shown = await link.call('key.show', { keyId: key.keyId });
    const forgot = shown.key.hasForgotten === true ? { hasForgotten: true as const } : {};
    const bare = shown.cannotDeal === true ? { cannotDeal: true as const } : {};
    return { server, slot, ...judge(key, shown), code: null, ...forgot, ...bare };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const { code, message } = error;
    if (code === 'KEY_UNKNOWN') {
      return { server, slot, verdict: 'lost', text: `has lost its share of ${key.record.name}`, code };
    }
    if (isForgotten(error)) return { server, slot, verdict: 'forgot', text: FORGOTTEN, code };
    const verdict = error.errorClass === 'AvailabilityError' ? 'silent' : 'refused';
    return { server, slot, verdict, text: message, code };
  }
}

/** What a server that knows nothing of the owner any more looks like. */
export const FORGOTTEN = 'does not know you any more, as if it had lost its database';

function judge(key: CertifiedKey, shown: Result<'key.show'>): Pick<ServerVerdict, 'verdict' | 'text'> {
  const { certificate, policy, key: summary } = shown;
  if (certificate === null || summary.state !== 'active') {
    return { verdict: 'pending', text: 'holds a share, but has not seen the certificate' };
  }
  if (summary.forked !== undefined) {
    const text = `has seen two certificates of epoch ${summary.forked}, and answers nothing with the key`;
    return { verdict: 'forked', text };
  }
  if (summary.left !== undefined) {
    const text = `has no part in the key since epoch ${summary.left}, this client is in ${key.newest.params.epoch}`;
    return { verdict: 'behind', text };
  }
  if (summary.epoch !== key.newest.params.epoch) {
    const text = `is in epoch ${summary.epoch} of the key, this client in ${key.newest.params.epoch}`;
    return { verdict: 'behind', text };
  }
  if (summary.decided !== undefined) {
    const text = `has the certificate of epoch ${summary.decided}, and has not entered it yet`;
    return { verdict: 'behind', text };
  }
  const proved = provedBy(certificate, key);
  if (proved === 'other') {
    const text = `went on by another certificate of epoch ${summary.epoch}`;
    return { verdict: 'forked', text };
  }
  if (proved === null) {
    return { verdict: 'differs', text: 'holds a certificate of another key, or one that does not hold' };
  }
  if (!equalBytes(policyHash(policy), key.newest.params.termsHash)) {
    return { verdict: 'differs', text: 'follows another policy than the certified one' };
  }
  if (summary.isShareLost === true) {
    return { verdict: 'lost', text: `has lost its share of ${key.record.name}` };
  }
  return { verdict: 'holds', text: 'same key, same policy, active' };
}

/**
 * What a server’s certificate proves: one with other signatures than ours, all of them valid, the same epoch; `other`: another one of the same number, which some
 * server signed twice for. null: nothing of this key.
 */
function provedBy(bytes: Uint8Array, key: CertifiedKey): 'same' | 'other' | null {
  if (equalBytes(bytes, certificatesOf(key.record).at(-1)!)) return 'same';
  try {
    const { transcriptHash } = epochProvedBy(key, bytes);
    if (equalBytes(transcriptHash, key.newest.transcriptHash)) return 'same';
    // Nothing comes before a first epoch: another one is another key.
    return key.before === null ? null : 'other';
  } catch (error) {
    if (error instanceof CkmError) return null;
    throw error;
  }
}
