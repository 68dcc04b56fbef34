import { CkmError } from '@ckm/foundation';
import { settlersForgot, settlersMissing } from './settle-errors.js';
import { type SettleMember, type SettleRun, settling } from './settle-run.js';
import { shownSettlements } from './shown-votes.js';

/**
 * Before the first server hears of an order, and stops the key for it: whether as many of those who settle as it takes answer, and know what they
 * said; or have settled already, whoever of them is there by now. An order that comes to no end would stop, for good, servers that sign by the certificate on record here.
 * @throws AvailabilityError `SERVERS_MISSING`; StateError `SETTLERS_FORGOT`
 */
export async function assertCanSettle(run: SettleRun): Promise<void> {
  const { keyId } = run.record;
  const those = settling(run);
  const forgot: SettleMember[] = [];
  const failures = new Map<SettleMember, CkmError>();
  await Promise.all(
    those.map(async (member) => {
      try {
        const link = await run.context.linkTo(member.server);
        const { key } = await link.call('key.show', { keyId });
        if (key.hasForgotten === true) forgot.push(member);
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
        failures.set(member, error);
      }
    }),
  );
  const left = those.length - forgot.length;
  const { needed } = run.settlers;
  if (left - failures.size >= needed || (await isSettled(run))) return;
  if (left < needed) throw settlersForgot(run, forgot, { isOrdered: false });
  throw settlersMissing(run, failures, 'settling');
}

async function isSettled({ context, members, before }: SettleRun): Promise<boolean> {
  const servers = members.map(({ server }) => server);
  return (await shownSettlements(context, servers, before)).length > 0;
}
