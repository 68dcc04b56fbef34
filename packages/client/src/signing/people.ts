import type { RequestReply } from '@ckm/api';
import type { CertifiedKey } from '../keys/key-record.js';
import type { PeopleWait } from '../progress/progress.js';
import { listed } from '../servers/faults.js';
import { bySlot, type PeopleAt, type SignRun } from './sign-job.js';

/** Whether the terms of a key ask people; such a key is asked under a name that holds for it alone. */
export function asksPeople({ record: { policy } }: Pick<CertifiedKey, 'record'>): boolean {
  return (policy.approvals ?? []).length > 0;
}

/** Null: the key asks nobody, or the request does not wait. */
export function peopleIn({ state, people, waitsFor }: RequestReply): PeopleAt | null {
  if (state !== 'waiting' || people === undefined || waitsFor === undefined) return null;
  return { ...people, waitsFor };
}

/** What servers that wait say, each content once, in the order of their slots. */
export function peopleWaits({ people }: Pick<SignRun, 'people'>): readonly PeopleWait[] {
  const groups = new Map<string, PeopleWait & { servers: string[] }>();
  for (const one of bySlot([...people.keys()])) {
    const { awaits, yes, no, reasons, waitsFor } = people.get(one)!;
    const said = { awaits, yes, no, waitsFor, ...(reasons === undefined ? {} : { reasons }) };
    const name = JSON.stringify(said);
    const group = groups.get(name) ?? { ...said, servers: [] };
    group.servers.push(one.server.name);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** As in "1 more yes of alice, carol", for all rules that wait. */
function awaitsText({ awaits }: Pick<PeopleWait, 'awaits'>): string {
  return listed(awaits.map(({ needed, of }) => `${needed} more yes of ${of.join(', ')}`));
}

/** The whole: "1 more yes of alice, carol (at alpha and bravo); the operator of charlie". */
export function waitsText(waits: readonly PeopleWait[]): string {
  const [only, ...others] = waits;
  const each = waits.map((wait) => {
    const { servers, waitsFor } = wait;
    const operators = `the ${servers.length === 1 ? 'operator' : 'operators'} of ${listed(servers)}`;
    if (waitsFor === 'operator') return operators;
    const where = only !== undefined && others.length === 0 ? '' : ` (at ${listed(servers)})`;
    return `${awaitsText(wait)}${where}${waitsFor === 'both' ? `, and ${operators}` : ''}`;
  });
  return each.join('; ');
}
