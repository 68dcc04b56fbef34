import { decodeHex, encodeHex, formatMoment } from '@ckm/foundation';
import type { Sessions } from '../../context.js';
import { type Drill, type DrillVerdict, drillVerdict, type OperatorDrill } from '../schemas/drills.js';
import type { DeskMeans } from './means.js';
import { note } from './note.js';

/** What a backup has of each key, held against the certificates that this server goes by. */
export function createDrillDesk({ context, sessions, backups }: DeskMeans) {
  const { storage, audit, clock } = context;
  return {
    /** Nothing is released, and no share comes here: what is compared is public. One entry of the log for each call. */
    drill: async ({ id, takenAt, shares, isLast }: Drill): Promise<OperatorDrill> => {
      const keys = await storage.transact(async (transaction) => {
        const found: { owner: string; keyId: string; verdict: DrillVerdict }[] = [];
        for (const share of shares) {
          const row = await transaction.keys.find(decodeHex(share.owner), decodeHex(share.keyId));
          const certified = row === null ? null : sessions.certifiedShare(row);
          if (certified === null) continue;
          const { owner, keyId } = share;
          found.push({ owner, keyId, verdict: verdictOn(share, certified) });
        }
        const detail = `backup ${id.slice(0, 8)} of ${formatMoment(takenAt)}: ${describe(found)}`;
        await note(audit, transaction, 'operator.drill', 'Compare a backup with the certified shares', {
          detail,
        });
        if (isLast) await backups.noteDrill(transaction, clock());
        return found;
      });
      context.events.operatorActed({ action: 'drill' });
      return { keys };
    },
  };
}

function verdictOn(
  { epoch, publicShare, isDamaged }: Drill['shares'][number],
  certified: NonNullable<ReturnType<Sessions['certifiedShare']>>,
): DrillVerdict {
  if (epoch === null) return 'missing';
  if (isDamaged) return 'damaged';
  if (epoch !== certified.epoch) return 'otherEpoch';
  if (publicShare === null) return 'sealed';
  return publicShare === encodeHex(certified.publicShare) ? 'whole' : 'damaged';
}

const WORDS: Readonly<Record<DrillVerdict, string>> = {
  whole: 'whole',
  otherEpoch: 'of another epoch',
  sealed: 'without their epoch keys',
  damaged: 'damaged',
  missing: 'not in it',
};

function describe(found: OperatorDrill['keys']): string {
  const counts = drillVerdict.options.flatMap((verdict) => {
    const count = found.filter((one) => one.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${WORDS[verdict]}`];
  });
  return counts.length === 0 ? 'no key' : counts.join(', ');
}
