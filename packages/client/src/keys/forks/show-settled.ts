import { equalBytes } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import { listServerRecords } from '../../servers/servers.js';
import { certificatesOf } from '../chain/key-chain.js';
import { orNothing } from '../chain/learn-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { tellAt } from './end-fork.js';
import { isSettledHere, standingRecords } from './order-forks.js';
import { createSettleRun } from './settle-run.js';
import { isDoubted } from './shown-votes.js';

/**
 * Shows one server what was settled of a key, as far as that is on record here, the earliest fork first. Whoever refuses or is silent says so when it is asked again.
 * What servers show votes against is shown to nobody, unless the owner has said that it counts.
 * @returns whether there was something that it took in
 */
export async function showSettled(
  context: ClientContext,
  key: CertifiedKey,
  { server }: Participant,
  link: ServerLink,
): Promise<boolean> {
  const chain = certificatesOf(key.record);
  const servers = await listServerRecords(context.store);
  let isTaken = false;
  for (const record of await standingRecords(context, key)) {
    if (!isSettledHere(chain, record)) continue;
    const run = await createSettleRun(context, key, record, () => undefined);
    const member = run.members.find((one) => equalBytes(one.server.xid, server.xid));
    // One that came in since then is told by the epoch that it came in by.
    if (member === undefined || (await isDoubted(context, servers, run.before, record))) continue;
    isTaken = (await orNothing(() => tellAt(run, member, link))) !== undefined || isTaken;
  }
  return isTaken;
}
