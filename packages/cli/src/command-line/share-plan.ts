import type { SplitPlan } from '@ckm/gordian';
import { UsageError } from '@ckm/foundation';
import { optionInvalid, parseWhole } from './option-values.js';

/** Groups of a splitting, and members of a group. Source: BCR-2020-011 */
const MOST = 16;

/**
 * How a seed is split, as typed: `2of3`, or `2of3,3of5` and how many of these groups it takes. Whether that can be is for whoever splits.
 * @throws UsageError `OPTION_INVALID`, `ARGUMENT_MISSING`
 */
export function parseSharePlan(groups: string, groupsNeeded: string | undefined): SplitPlan {
  const parsed = groups.split(',').map(parseGroup);
  if (parsed.length > MOST) throw optionInvalid(`--groups names more than ${MOST} groups`, 'name fewer');
  return { groupsNeeded: neededOf(parsed.length, groupsNeeded), groups: parsed };
}

function parseGroup(text: string): SplitPlan['groups'][number] {
  const [, needed, of] = /^([0-9]{1,2})of([0-9]{1,2})$/i.exec(text.trim()) ?? [];
  const group = { needed: Number(needed), of: Number(of) };
  if (group.needed >= 1 && group.needed <= group.of && group.of <= MOST) return group;
  throw optionInvalid(
    `--groups holds ${JSON.stringify(text.slice(0, 20))}, which is not so many of so many shares, at most ${MOST}`,
    'write for example --groups 2of3, or --groups 2of3,3of5 --groups-needed 1',
  );
}

function neededOf(count: number, text: string | undefined): number {
  if (text !== undefined) return parseWhole('--groups-needed', text, 1, count);
  if (count === 1) return 1;
  throw new UsageError(`of ${count} groups it has to be said how many it takes`, {
    code: 'ARGUMENT_MISSING',
    hint: `add --groups-needed 1, or any number up to ${count}`,
  });
}

/** What a plan means: who together have the seed. */
export function planMeaning({ groupsNeeded, groups }: SplitPlan): string {
  const each = groups.map(groupMeaning);
  if (each.length === 1) return `${each[0]!} bring the seed back`;
  const listed = each.map((text, i) => `group ${i + 1}: ${text}`).join('; ');
  const which =
    groupsNeeded === groups.length ? `all ${groups.length}` : `any ${groupsNeeded} of ${groups.length}`;
  return `${which} groups bring the seed back (${listed})`;
}

function groupMeaning({ needed, of }: SplitPlan['groups'][number]): string {
  if (of === 1) return 'its one share';
  return needed === of ? `all ${of} shares` : `any ${needed} of ${of} shares`;
}
