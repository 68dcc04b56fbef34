import type { Result } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import { USUAL_FREEZE_SECONDS } from '../keys/freezes/freeze-record.js';
import type { ServerRecord } from '../servers/server-record.js';
import { listServerRecords, showServerRecord } from '../servers/servers.js';

/** What one server says of the whole account of the owner there. */
export interface AccountFreezeAt {
  readonly server: string;
  /** `open`: it is not frozen there. `refused`: it goes on there. `silent`: nobody knows. */
  readonly verdict: 'frozen' | 'open' | 'refused' | 'silent';
  /** UnixSeconds, by the server's own clock; null: it is not frozen, or nobody knows. */
  readonly until: number | null;
  /** When somebody of the account asked its operator to end it; null: nobody did. UnixSeconds. */
  readonly thawAskedAt: number | null;
  /** XID of the device that froze it; null: the words did, or it is not frozen. */
  readonly device: Uint8Array | null;
  /** For how long it may still be frozen there within 30 days, in seconds; null: not said. */
  readonly leftSeconds: number | null;
  /** One line for a person. */
  readonly text: string;
  readonly code: string | null;
}

/** What came of it at each server that was asked, in the order of the records. */
export interface AccountFreezes {
  readonly servers: readonly AccountFreezeAt[];
  /** Whether it is frozen at all of them. */
  readonly isFrozen: boolean;
}

/**
 * Stops everything that this owner's accounts ask for, at one server or at all on record. Each is told an id of its own: the same at two of them would tell them that they
 * serve one person. Where it is frozen for as long already, by whichever device, nothing is said.
 * @param server null: all
 * @param seconds at most seven days; null: as long as it is frozen already, or else the usual time
 * @throws UsageError `SERVER_UNKNOWN`
 */
export async function freezeAccount(
  context: ClientContext,
  server: string | null,
  seconds: number | null,
): Promise<AccountFreezes> {
  return askServers(context, server, async (link) => {
    const { frozen } = await link.call('server.describe', {});
    const now = context.clock();
    const until = now + (seconds ?? USUAL_FREEZE_SECONDS);
    if (frozen !== undefined && (seconds === null || frozen.until >= until)) return { frozen };
    return link.call('account.freeze', { id: context.random(32), from: now, until });
  });
}

/** Asks the operators of one server, or of all on record, to end that. @param server null: all @throws UsageError `SERVER_UNKNOWN` */
export async function thawAccount(context: ClientContext, server: string | null): Promise<AccountFreezes> {
  return askServers(context, server, (link) => link.call('account.thaw', {}));
}

type Said = Pick<Result<'account.freeze'>, 'frozen'> & Partial<Pick<Result<'account.freeze'>, 'leftSeconds'>>;

async function askServers(
  context: ClientContext,
  server: string | null,
  ask: (link: ServerLink) => Promise<Said>,
): Promise<AccountFreezes> {
  const { store } = context;
  const records = server === null ? await listServerRecords(store) : [await showServerRecord(store, server)];
  const servers = await Promise.all(records.map((record) => askOne(context, record, ask)));
  return { servers, isFrozen: servers.every(({ verdict }) => verdict === 'frozen') };
}

async function askOne(
  context: ClientContext,
  record: ServerRecord,
  ask: (link: ServerLink) => Promise<Said>,
): Promise<AccountFreezeAt> {
  const server = record.name;
  try {
    const { frozen, leftSeconds = null } = await ask(await context.linkTo(record));
    const nothing = { until: null, thawAskedAt: null, device: null };
    if (frozen === null)
      return { server, verdict: 'open', ...nothing, leftSeconds, text: 'is not frozen there', code: null };
    const { until, thawAskedAt, device = null } = frozen;
    const text =
      thawAskedAt === null ? 'does nothing for you' : 'does nothing for you until its operator thaws you';
    return { server, verdict: 'frozen', until, thawAskedAt, device, leftSeconds, text, code: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const { code, message, errorClass } = error;
    const verdict = errorClass === 'AvailabilityError' ? 'silent' : 'refused';
    const nothing = { until: null, thawAskedAt: null, device: null, leftSeconds: null };
    return { server, verdict, ...nothing, text: message, code };
  }
}
