import { encodeHex } from '@ckm/foundation';
import type { KnownMembers } from '@ckm/threshold';
import type { KeyName } from '../../vault/head-counts.js';

/** An epoch of a key. */
export interface PastEpoch extends KeyName {
  readonly epoch: number;
  readonly transcriptHash: Uint8Array;
}

/** Whom a roster is compared with; nobody is added any more. */
export type PastMembers = Pick<KnownMembers, 'check'>;

/**
 * Who has held keys up to an epoch, as this process has read it: three questions of one change compare with the same past. It is found by
 * the transcript hash of that epoch, in which all epochs before it are: nothing that is stored later makes it another one. What could not
 * be read is not kept.
 */
export interface MembersMemory {
  recall(to: PastEpoch, read: () => Promise<PastMembers>): Promise<PastMembers>;
}

/** How many epochs are remembered, of all keys together: of 32 servers each, some megabytes. */
const MOST_EPOCHS = 512;

/** Forgets what was asked for longest ago. @param most how many epochs */
export function createMembersMemory(most = MOST_EPOCHS): MembersMemory {
  const known = new Map<string, { readonly members: PastMembers; readonly epochs: number }>();
  let epochs = 0;
  const forget = (name: string): void => {
    epochs -= known.get(name)?.epochs ?? 0;
    known.delete(name);
  };
  return {
    async recall(to, read) {
      const name = nameOf(to);
      const members = known.get(name)?.members ?? (await read());
      forget(name);
      known.set(name, { members, epochs: to.epoch + 1 });
      epochs += to.epoch + 1;
      for (const oldest of known.keys()) {
        if (epochs <= most) break;
        forget(oldest);
      }
      return members;
    },
  };
}

function nameOf({ owner, keyId, epoch, transcriptHash }: PastEpoch): string {
  return [encodeHex(owner), encodeHex(keyId), String(epoch), encodeHex(transcriptHash)].join(' ');
}
