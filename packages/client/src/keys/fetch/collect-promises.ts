import { CkmError } from '@ckm/foundation';
import { checkAcknowledgement } from '../acknowledgement.js';
import type { ServerLink } from '../../carrier/server-link.js';
import type { Participant } from '../../servers/ask-all.js';
import type { ClientContext } from '../../context/context.js';
import { rosterOf } from '../roster.js';
import { changesOf } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';

/** A server of a key that has not promised that it stored the certificate, and why. */
export interface Unpromised {
  readonly slot: number;
  /** The owner's name of the server; null when it is not added. */
  readonly server: string | null;
  readonly code: string;
  readonly text: string;
}

export interface Promises {
  /** Slots, those of before included. */
  readonly acknowledged: readonly number[];
  readonly missing: readonly Unpromised[];
}

/**
 * Hands the certificate to every server of a key that has not promised to have stored it, and checks the promises. A
 * server that had stored it long ago only says so again.
 * @throws StorageError `SERVER_PIN_DIFFERS`
 */
export async function collectPromises(context: ClientContext, key: CertifiedKey): Promise<Promises> {
  const participants = await rosterOf(context, key);
  const before = key.record.acknowledged;
  const acknowledged = new Set(before);
  const missing: Unpromised[] = [];
  await Promise.all(
    key.roster
      .filter(({ slot }) => !before.includes(slot))
      .map(async ({ slot }) => {
        const participant = participants.find((one) => one.slot === slot);
        const refusal = participant === undefined ? notAdded(slot) : await ask(context, key, participant);
        if (refusal === null) acknowledged.add(slot);
        else missing.push(refusal);
      }),
  );
  return {
    acknowledged: [...acknowledged].sort((a, b) => a - b),
    missing: missing.sort((a, b) => a.slot - b.slot),
  };
}

async function ask(
  context: ClientContext,
  key: CertifiedKey,
  participant: Participant,
): Promise<Unpromised | null> {
  try {
    const link = await context.linkTo(participant.server);
    checkAcknowledgement(key.newest, participant, await store(link, key));
    return null;
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const { slot, server } = participant;
    return { slot, server: server.name, code: error.code, text: error.message };
  }
}

/** Has a server store the newest certificate. One that had stored it long ago only says so again. */
async function store(link: ServerLink, { keyId, record }: CertifiedKey) {
  const last = changesOf(record).at(-1);
  if (last === undefined) return link.call('key.certify', { keyId, certificate: record.certificate });
  const { transcriptHash, acknowledgement } = await link.call('change.commit', { keyId, certificate: last });
  // Without one it holds no share of that epoch: an acknowledgement of nothing is none.
  return { keyId, transcriptHash, acknowledgement: acknowledgement ?? new Uint8Array(64) };
}

function notAdded(slot: number): Unpromised {
  return { slot, server: null, code: 'SERVER_UNKNOWN', text: 'is not among your servers' };
}
