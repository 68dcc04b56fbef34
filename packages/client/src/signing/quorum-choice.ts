import { encodeHex, UsageError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { type CertifiedKey, epochName } from '../keys/key-record.js';
import { rosterOf } from '../keys/roster.js';
import type { Participant } from '../servers/ask-all.js';

/** A server that did not answer is asked last for so long. */
const ASKED_LAST_SECONDS = 30;

/** Which servers of a key are asked, and in which order. */
export interface QuorumChoice {
  /**
   * The servers of a key that are on record, without those named.
   * @throws UsageError `SERVER_UNKNOWN`, `QUORUM_SERVERS_MISMATCH`; StorageError `SERVER_PIN_DIFFERS`
   */
  among(key: CertifiedKey, without: readonly string[]): Promise<Participant[]>;
  /** Those who answered lately first, and a new one in front every time, so that the work is spread. */
  inOrder(participants: readonly Participant[]): Participant[];
  /** These did not answer, or not in time. */
  silent(participants: readonly Participant[]): void;
  /** Servers were added, renamed or removed. */
  forget(): void;
}

export function createQuorumChoice(context: ClientContext): QuorumChoice {
  const silentUntil = new Map<string, number>();
  const rosters = new Map<string, Promise<readonly Participant[]>>();
  // Short-lived clients must not all begin with the same server.
  let turn = context.random(1)[0]!;
  return {
    async among(key, without) {
      const epoch = epochName(key);
      const roster = rosters.get(epoch) ?? rosterOf(context, key);
      rosters.set(epoch, roster);
      roster.catch(() => rosters.delete(epoch));
      return withoutThose(key, await roster, without);
    },
    inOrder(participants) {
      const start = participants.length === 0 ? 0 : turn++ % participants.length;
      const rotated = [...participants.slice(start), ...participants.slice(0, start)];
      const isSilent = ({ server }: Participant) =>
        (silentUntil.get(encodeHex(server.xid)) ?? 0) > context.clock();
      return [...rotated.filter((one) => !isSilent(one)), ...rotated.filter(isSilent)];
    },
    silent(participants) {
      for (const { server } of participants) {
        silentUntil.set(encodeHex(server.xid), context.clock() + ASKED_LAST_SECONDS);
      }
    },
    forget() {
      rosters.clear();
    },
  };
}

function withoutThose(
  key: CertifiedKey,
  all: readonly Participant[],
  without: readonly string[],
): Participant[] {
  const stranger = without.find((name) => !all.some(({ server }) => server.name === name));
  if (stranger !== undefined) throw notOfKey(stranger, key);
  const left = all.filter(({ server }) => !without.includes(server.name));
  if (left.length < key.public.quorum.needed) throw tooFewLeft(key, left.length);
  return left;
}

function notOfKey(server: string, key: CertifiedKey): UsageError {
  return new UsageError(`${server} is no server of key ${key.record.name}`, {
    code: 'SERVER_UNKNOWN',
    hint: 'see which servers it has',
    remedy: { kind: 'showKey', key: key.record.name },
  });
}

function tooFewLeft(key: CertifiedKey, left: number): UsageError {
  const { needed } = key.public.quorum;
  return new UsageError(`key ${key.record.name} needs ${needed} servers, and only ${left} are left to ask`, {
    code: 'QUORUM_SERVERS_MISMATCH',
    hint: 'leave out fewer servers, or add the missing ones again',
    remedy: { kind: 'addServer' },
  });
}
