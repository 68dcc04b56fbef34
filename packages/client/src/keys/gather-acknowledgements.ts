import { CkmError } from '@ckm/foundation';
import type { CertifiedEpoch } from '@ckm/threshold';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import type { Participant } from '../servers/ask-all.js';
import { checkAcknowledgement } from './acknowledgement.js';
import type { Acknowledgements } from './chain/show-epochs.js';

/** An epoch, and the certificates that lead to it, the first epoch's first. */
export interface Led {
  readonly newest: Pick<CertifiedEpoch, 'params' | 'transcriptHash'>;
  readonly certificates: readonly Uint8Array[];
}

/**
 * What servers of an epoch promise of it, each of them shown its certificate, and those between where it was away. Whoever is silent,
 * refuses, or signs something else is passed over.
 * @param members by their slots in that epoch
 */
export async function gatherAcknowledgements(
  context: Pick<ClientContext, 'linkTo'>,
  led: Led,
  members: readonly Participant[],
): Promise<Acknowledgements> {
  const said = await Promise.all(members.map((member) => acknowledgementOf(context, led, member)));
  return said.flatMap((signature, i) => (signature === null ? [] : [{ slot: members[i]!.slot, signature }]));
}

async function acknowledgementOf(
  context: Pick<ClientContext, 'linkTo'>,
  led: Led,
  member: Participant,
): Promise<Uint8Array | null> {
  const { keyId } = led.newest.params;
  try {
    const { transcriptHash, acknowledgement } = await showTo(await context.linkTo(member.server), led);
    if (acknowledgement === null) return null;
    checkAcknowledgement(led.newest, member, { keyId, transcriptHash, acknowledgement });
    return acknowledgement;
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return null;
    throw error;
  }
}

async function showTo(link: ServerLink, { newest, certificates }: Led) {
  const { keyId, epoch } = newest.params;
  const certificate = certificates.at(-1)!;
  const commit = () => link.call('change.commit', { keyId, certificate });
  try {
    return await commit();
  } catch (error) {
    const differs = error instanceof CkmError && error.code === 'KEY_EPOCH_DIFFERS';
    const behind = differs ? error.facts['epoch'] : null;
    if (typeof behind !== 'number' || behind < 0 || behind >= epoch - 1) throw error;
    for (const between of certificates.slice(behind + 1, -1))
      await link.call('change.commit', { keyId, certificate: between });
    return commit();
  }
}

/** Whether as many servers of an epoch hold their shares of it as its quorum needs. */
export function isHeld(
  { params }: Pick<CertifiedEpoch, 'params'>,
  said: Readonly<Acknowledgements>,
): boolean {
  return said.length >= params.quorum.needed;
}
