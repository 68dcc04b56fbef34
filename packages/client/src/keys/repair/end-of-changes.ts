import { StateError } from '@ckm/foundation';
import { membersNeeded } from '@ckm/threshold';
import type { ClientContext } from '../../context/context.js';
import { namesOf, type Participant } from '../../servers/ask-all.js';
import { listed } from '../../servers/faults.js';
import { isDecidable } from '../changes/decidable.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf } from '../roster.js';
import { askForKey, type ServerVerdict } from '../verify-key.js';

/** What it costs to give a share back where another server of the key has forgotten what it said of a change, and was not reminded since. */
export interface EndOfChanges {
  /** 32 bytes: of the epoch of which it is so. Behind another one, or another certificate, it may be otherwise. */
  readonly transcriptHash: Uint8Array;
  /** Whether it is so only where the server, which is behind, has lost what opens its share of that epoch: until certificates were shown to it nobody knows. */
  readonly ifLost: boolean;
  /** Servers that have forgotten, the one to be repaired not among them. */
  readonly forgot: readonly string[];
  /** How many servers decide on a change: with this repair fewer than that remember, and those who forgot wait for each other. */
  readonly deciding: number;
  /** Servers that there is no refresh without, as they were before; none: it can be made first. */
  readonly missing: readonly string[];
}

interface Said extends Pick<ServerVerdict, 'verdict' | 'code' | 'hasForgotten' | 'cannotDeal'> {
  readonly one: Participant;
}

/**
 * Whether the key could never be changed or refreshed again once this server is given its share back, by what its servers say now; null: it
 * could, or could not before either. A server that tells no truth about itself can bring this about or hide it, so that it keeps nobody who insists from a repair.
 */
export async function endOfChanges(
  context: ClientContext,
  key: CertifiedKey,
  target: Participant,
): Promise<EndOfChanges | null> {
  const { params, transcriptHash } = key.newest;
  const { quorum, flags, roster } = params;
  const said = await Promise.all(
    (await rosterOf(context, key)).map(async (one): Promise<Said> => ({
      one,
      ...(await askForKey(context, key, one.slot, one.server)),
    })),
  );
  const own = said.find(({ one }) => one.slot === target.slot);
  if (own === undefined || forgets(own) || own.verdict === 'holds') return null;
  const deciding = membersNeeded(quorum, flags.strict);
  const forgot = said.filter(forgets).map(({ one }) => one);
  const isOpen = (count: number) => isDecidable({ needed: deciding, of: quorum.of }, count);
  if (!isOpen(forgot.length) || isOpen(forgot.length + 1)) return null;
  const dealing = said.filter((member) => deals(member, deciding === quorum.of));
  const canDeal = dealing.length >= quorum.needed;
  const there = said.filter((member) => receives(member) && (canDeal || member !== own));
  const missing = roster.flatMap(({ slot, url }) => {
    if (there.some(({ one }) => one.slot === slot)) return [];
    return [said.find(({ one }) => one.slot === slot)?.one.server.name ?? url];
  });
  const ifLost = own.verdict === 'behind';
  return { transcriptHash, ifLost, forgot: namesOf(forgot), deciding, missing };
}

/** What one forgot that is behind is of another epoch. */
function forgets({ verdict, hasForgotten }: Said): boolean {
  return hasForgotten === true && verdict !== 'behind';
}

/** Whoever has its rows votes, and is dealt a new share, also where its old one is gone. */
function receives({ verdict, code }: Said): boolean {
  return verdict === 'holds' || (verdict === 'lost' && code === null);
}

/** Only who votes deals: whoever forgot is waited for where all have to decide, and nowhere else. */
function deals(member: Said, isAll: boolean): boolean {
  const { verdict, cannotDeal } = member;
  return verdict === 'holds' && cannotDeal !== true && (isAll || !forgets(member));
}

/** Nothing has been asked of anybody yet. */
export function repairEndsChanges(
  { name, server }: { readonly name: string; readonly server: string },
  { forgot, missing }: EndOfChanges,
): StateError {
  const anew = 'all get new shares, also who has lost his, and the next epoch remembers everything';
  const back = `have ${listed(missing)} back as it was, from the old disk if it is gone, and refresh the key`;
  const have = forgot.length === 1 ? 'has' : 'have';
  return new StateError(
    `once ${server} is repaired too, nothing changes the servers or shares of ${name} any more: ${listed(forgot)} ${have} forgotten what was said in this epoch`,
    {
      code: 'REPAIR_ENDS_CHANGES',
      hint:
        missing.length === 0
          ? `refresh the key first: ${anew}`
          : `${back}; where that cannot be, say the name of the key once more, and move to a new key`,
      ...(missing.length === 0 ? { remedy: { kind: 'refreshKey', key: name } as const } : {}),
      facts: { server, servers: [...forgot], missing: [...missing] },
      retryable: false,
    },
  );
}
