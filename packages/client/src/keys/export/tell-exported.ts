import type { ExportProof } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf } from '../roster.js';

/** Which servers know by now that a key was given out, and which could not be told. */
export interface ExportKnown {
  /** Those that had not known. */
  readonly told: readonly string[];
  readonly untold: readonly string[];
}

/**
 * Sees to it that every server of a key has in its log that the key was given out: one that gave no share is shown what proves it, by
 * whichever client of the owner comes by. Nobody’s silence or refusal stops it.
 * @param own the proof that this client has; left out: what servers show
 */
export async function tellExported(
  context: ClientContext,
  key: CertifiedKey,
  own?: ExportProof,
): Promise<ExportKnown> {
  if (!key.newest.params.flags.exportable) return { told: [], untold: [] };
  const asked = await Promise.all(
    (await rosterOf(context, key)).map(async (participant) => ({
      participant,
      shown: await orNothing(context, participant, async (link) => {
        const { key: summary, exportProof } = await link.call('key.show', { keyId: key.keyId });
        return { proof: exportProof, knows: exportProof !== undefined || summary.exportedAt !== undefined };
      }),
    })),
  );
  const shown = asked.flatMap(({ shown: one }) => (one?.proof === undefined ? [] : [one.proof]));
  const proofs = own === undefined ? shown : [own];
  if (proofs.length === 0) return { told: [], untold: [] };
  const ignorant = asked.filter((one) => one.shown?.knows !== true);
  const outcomes = await Promise.all(
    ignorant.map(async ({ participant }) => ({
      name: participant.server.name,
      isTold: await tell(context, key, participant, proofs),
    })),
  );
  const namesOf = (isTold: boolean) =>
    outcomes.filter((one) => one.isTold === isTold).map(({ name }) => name);
  return { told: namesOf(true), untold: namesOf(false) };
}

/** One that lies may show a proof that is none: then the next one is tried. */
async function tell(
  context: ClientContext,
  { keyId }: CertifiedKey,
  participant: Participant,
  proofs: readonly ExportProof[],
): Promise<boolean> {
  for (const proof of proofs) {
    const done = await orNothing(context, participant, async (link) => {
      await link.call('key.exported', { keyId, proof });
      return true;
    });
    if (done === true) return true;
  }
  return false;
}

async function orNothing<T>(
  context: ClientContext,
  { server }: Participant,
  work: (link: ServerLink) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work(await context.linkTo(server));
  } catch (error) {
    if (error instanceof CkmError && error.errorClass !== 'BugError') return undefined;
    throw error;
  }
}
