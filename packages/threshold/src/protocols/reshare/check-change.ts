import { encodeHex, equalBytes } from '@ckm/foundation';
import { verifyRosterWith } from '../../key/roster.js';
import { receiverKeyStatement } from '../../key/static-key.js';
import type { KeyParams, RosterEntry } from '../../key/params.js';
import { hashOrder, type OrderCore } from '../change/order.js';
import { type CertifiedEpoch, changeInvalid, type ChangeParams, encodeChange } from './change.js';
import type { CheckedParams } from './checked-params.js';

/**
 * Checks the parameters of a change against the epoch that it follows, before anything is done with them: the same key,
 * suite and purpose, the same terms or later ones, the next epoch, flags that only rise or stay, exactly as many dealers as the old quorum needs, each a member
 * of the old epoch, a server that is known keeps its identity, the order that is named is the one that this fulfils, and every
 * receiver's static key is fresh, proved, and vouched for by its identity for this change alone.
 * @param memory spares checking parameters that it knows; absent: they are checked anew
 * @throws EncodingError `CHANGE_INVALID` with `facts.field`, or as `assertKeyParams` · PeerFaultError `FAULT_ROSTER` with
 * `facts.culprits` (slots of the next epoch)
 */
export function verifyChangeParams(
  before: CertifiedEpoch,
  change: ChangeParams,
  memory?: CheckedParams,
): void {
  const check = () => {
    checkAnew(before, change);
  };
  if (memory === undefined) check();
  else memory.recallParams(before, change, check);
}

function checkAnew(before: CertifiedEpoch, change: ChangeParams): void {
  encodeChange(change);
  const { next, order, nonces } = change;
  checkSameKey(before, next);
  checkTerms(before, change);
  checkFlags(before.params, next);
  checkDealers(before, change);
  knownMembers(before.params.roster).check(next.roster);
  if (!equalBytes(order, hashOrder(orderOf(before, change)))) throw changeInvalid('order');
  const { previous } = next;
  verifyRosterWith(next, (entry) =>
    receiverKeyStatement({ ...next, ...entry, previous, order, nonce: nonces[entry.slot - 1]! }),
  );
}

/** What was ordered: who shall hold the key, by which quorum, after which epoch. */
export function orderOf(
  { params: { epoch }, transcriptHash }: Pick<CertifiedEpoch, 'params' | 'transcriptHash'>,
  { next: { keyId, quorum, roster }, termsVersion }: Pick<ChangeParams, 'next' | 'termsVersion'>,
): OrderCore {
  const members = roster.map(({ serverId, identityKey }) => ({ serverId, identityKey }));
  return { keyId, epoch, transcriptHash, quorum, roster: members, termsVersion };
}

function checkSameKey({ params, transcriptHash }: CertifiedEpoch, next: KeyParams): void {
  if (!equalBytes(next.keyId, params.keyId)) throw changeInvalid('key id');
  if (next.suite !== params.suite) throw changeInvalid('suite');
  if (next.purpose !== params.purpose) throw changeInvalid('purpose');
  if (next.epoch !== params.epoch + 1) throw changeInvalid('epoch');
  if (!equalBytes(next.previous, transcriptHash)) throw changeInvalid('previous transcript hash');
}

/** Terms never fall back, and one version of them is one text. That later ones came into force is for the old members to say, who lock nothing else. */
function checkTerms(before: CertifiedEpoch, { next, termsVersion }: ChangeParams): void {
  if (termsVersion < before.termsVersion) throw changeInvalid('terms version');
  const isSame = equalBytes(next.termsHash, before.params.termsHash);
  if (termsVersion === before.termsVersion && !isSame) throw changeInvalid('terms hash');
}

function checkFlags({ flags: old }: KeyParams, { flags }: KeyParams): void {
  const falls = (old.dealt && !flags.dealt) || (old.exported && !flags.exported);
  const stays = (['exportable', 'hd', 'strict'] as const).every((name) => flags[name] === old[name]);
  if (falls || !stays) throw changeInvalid('flags');
}

function checkDealers({ params }: CertifiedEpoch, { dealers }: ChangeParams): void {
  const { needed, of } = params.quorum;
  const areMembers = dealers.every(({ epoch, slot }) => epoch === params.epoch && slot <= of);
  if (dealers.length !== needed || !areMembers) throw changeInvalid('dealers');
}

/** Who has held a key, epoch by epoch: each roster is looked at once, however many are compared with it. */
export interface KnownMembers {
  add(roster: readonly RosterEntry[]): void;
  /**
   * A server keeps its identity, an identity its server, and no static key is used for a second epoch.
   * @throws EncodingError `CHANGE_INVALID`
   */
  check(next: readonly RosterEntry[]): void;
}

/** @param roster of the first epoch that is added; empty: of none yet */
export function knownMembers(roster: readonly RosterEntry[] = []): KnownMembers {
  const identities = new Map<string, Uint8Array>();
  const servers = new Map<string, Uint8Array>();
  const staticKeys = new Set<string>();
  const known: KnownMembers = {
    add(entries) {
      for (const { serverId, identityKey, staticKey } of entries) {
        identities.set(encodeHex(serverId), identityKey);
        servers.set(encodeHex(identityKey), serverId);
        staticKeys.add(encodeHex(staticKey));
      }
    },
    check(next) {
      for (const entry of next) {
        const identity = identities.get(encodeHex(entry.serverId)) ?? entry.identityKey;
        const server = servers.get(encodeHex(entry.identityKey)) ?? entry.serverId;
        if (!equalBytes(identity, entry.identityKey) || !equalBytes(server, entry.serverId))
          throw changeInvalid('identities');
        if (staticKeys.has(encodeHex(entry.staticKey))) throw changeInvalid('static keys');
      }
    },
  };
  known.add(roster);
  return known;
}
