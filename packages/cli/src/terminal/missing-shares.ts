import type { MissingShares } from '@ckm/client';
import { counted } from './counted.js';

/** How many shares are missing, and of which group, as the end of a sentence: "1 more of group 2 (3 in all)". */
export function missingShares({ groups, begun, of }: MissingShares): string {
  if (of === 1) return `${counted(begun[0]!.missing, 'more share')} (${begun[0]!.needed} in all)`;
  const parts = begun.map(
    ({ group, missing, needed }) => `${missing} more of group ${group} (${needed} in all)`,
  );
  const untouched = begun.length < groups || begun.length === 0 ? ['shares of another group'] : [];
  const ways = [...parts, ...untouched];
  if (groups === 1) return ways.join(', or ');
  return `${groups} groups are not complete: ${ways.join('; ')}`;
}
