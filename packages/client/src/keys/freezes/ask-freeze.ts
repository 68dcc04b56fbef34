import type { Result } from '@ckm/api';
import { CkmError, encodeHex } from '@ckm/foundation';
import { isForgotten, type ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf } from '../roster.js';
import { FORGOTTEN } from '../verify-key.js';

/** What one server says of a freeze. `silent`, `unknown`, `refused`: as of a key check; it may still do what it is asked. */
export interface ServerFreeze {
  /** The owner's name of the server; the beginning of its XID in hex when it is not on record. */
  readonly server: string;
  readonly slot: number;
  readonly verdict: 'frozen' | 'open' | 'lost' | 'refused' | 'silent' | 'unknown';
  /** UnixSeconds, by the server's own clock; null: it is not frozen there, or nobody knows. */
  readonly until: number | null;
  /** When the owner asked its operator to end it; null: he did not, or nobody knows. UnixSeconds. */
  readonly thawAskedAt: number | null;
  /** For how long it may still be frozen there, in seconds; null: not said. */
  readonly leftSeconds: number | null;
  /** Whose yes its end waits for, as the server says; null: it was not asked to end it, or says nothing of that. */
  readonly waits: string | null;
  /** One line for a person. */
  readonly text: string;
  readonly code: string | null;
}

/** Asks every server of a key, in order of slots. */
export async function askEach(
  context: ClientContext,
  key: CertifiedKey,
  each: (participant: Participant) => Promise<ServerFreeze>,
): Promise<readonly ServerFreeze[]> {
  const participants = await rosterOf(context, key);
  return Promise.all(
    key.roster.map(async ({ slot, serverId }): Promise<ServerFreeze> => {
      const participant = participants.find((one) => one.slot === slot);
      if (participant !== undefined) return each(participant);
      return notOnRecord(serverId, slot, 'not among your servers any more');
    }),
  );
}

export function notOnRecord(serverId: Uint8Array, slot: number, text: string): ServerFreeze {
  const server = encodeHex(serverId).slice(0, 16);
  return { ...NOTHING_SAID, verdict: 'unknown', text, code: 'SERVER_UNKNOWN', server, slot };
}

const NOTHING_SAID = { until: null, thawAskedAt: null, leftSeconds: null, waits: null } as const;

/** @param without what it means that a server does not know the key */
export async function askFreeze(
  context: ClientContext,
  { record: { name } }: CertifiedKey,
  { slot, server: record }: Participant,
  call: (link: ServerLink) => Promise<Result<'key.freeze'>>,
  without = `has lost its share of ${name}, and signs nothing with it`,
): Promise<ServerFreeze> {
  const server = record.name;
  try {
    const said = await call(await context.linkTo(record));
    return { server, slot, ...read(said), code: null };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const { code, message, errorClass } = error;
    const isLost = code === 'KEY_UNKNOWN';
    if (isLost || isForgotten(error)) {
      const text = isLost ? without : FORGOTTEN;
      return { server, slot, ...NOTHING_SAID, verdict: 'lost', text, code };
    }
    const verdict = errorClass === 'AvailabilityError' ? 'silent' : 'refused';
    return { server, slot, ...NOTHING_SAID, verdict, text: message, code };
  }
}

function read({
  frozen,
  leftSeconds,
  waits: said,
}: Result<'key.freeze'>): Omit<ServerFreeze, 'server' | 'slot' | 'code'> {
  const waits = said ?? null;
  if (frozen === null)
    return { ...NOTHING_SAID, verdict: 'open', leftSeconds, waits, text: 'is not frozen there' };
  const { until, thawAskedAt } = frozen;
  const text =
    thawAskedAt === null
      ? 'does nothing with it'
      : `does nothing with it until ${waits === null ? 'its operator thaws it' : `it is thawed: ${waits}`}`;
  return { verdict: 'frozen', until, thawAskedAt, leftSeconds, waits, text };
}
