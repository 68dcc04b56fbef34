import { isRateWithin } from '@ckm/api';
import type { Tightening } from './effective.js';

/** What an operator sets for a key; when it was stopped, or frozen by its owner, is no setting of his. */
export type TighteningSettings = Omit<Tightening, 'stoppedAt' | 'freezes'>;

type Setting = keyof TighteningSettings;

/** Whether all that `after` lets through, `before` did too. */
const COVERS: { readonly [S in Setting]: (before: Tightening[S], after: Tightening[S]) => boolean } = {
  kinds: (before, after) =>
    before === null || (after !== null && after.every((kind) => before.includes(kind))),
  rateLimit: (before, after) => before === null || (after !== null && isRateWithin(before, after)),
  expiresAt: (before, after) => before === null || (after !== null && after <= before),
  blindAllowed: (before, after) => before || !after,
  approval: (before, after) => before === 'automatic' || after === 'operator',
  changeDelay: (before, after) => after >= before,
};

/** Which settings let something through after a change that they did not let through before. */
export function settingsLoosened(before: TighteningSettings, after: TighteningSettings): readonly Setting[] {
  return SETTINGS.filter((setting) => !covers(setting, before, after));
}

/** Which settings only take away: nothing is let through that was not before, and something is not that was. */
export function settingsTightened(before: TighteningSettings, after: TighteningSettings): readonly Setting[] {
  return SETTINGS.filter((setting) => covers(setting, before, after) && !covers(setting, after, before));
}

const SETTINGS = Object.keys(COVERS) as Setting[];

function covers(setting: Setting, before: TighteningSettings, after: TighteningSettings): boolean {
  const check = COVERS[setting] as (before: unknown, after: unknown) => boolean;
  return check(before[setting], after[setting]);
}
