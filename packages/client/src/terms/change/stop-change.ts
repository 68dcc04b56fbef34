import { parseTermsChange, termsChangeDigest } from '@ckm/api';
import { CkmError, equalBytes } from '@ckm/foundation';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { notProposed } from './plan-change.js';
import { readStandings } from './standing.js';
import { readTermsNote, saveTermsNote } from './terms-note.js';

/** What stopping a change came to. */
export interface StoppedTerms {
  readonly name: string;
  readonly servers: readonly {
    readonly server: string;
    readonly verdict: 'stopped' | 'nothing' | 'refused' | 'silent';
    readonly text: string;
    readonly code: string | null;
  }[];
}

/** Stops every change of the terms of a key that waits at any of its servers, whichever device proposed it. */
export async function stopTermsChange(context: ClientContext, key: CertifiedKey): Promise<StoppedTerms> {
  const { keyId } = key;
  const { heard } = await readStandings(context, key);
  const note = await readTermsNote(context.store, keyId);
  const { proposed } = note;
  // Brought once more, it would wait again at whoever has not heard of it.
  if (proposed !== null) await saveTermsNote(context.store, { ...note, proposed: null });
  const isWaiting = heard.some(({ view }) => (view?.waiting ?? null) !== null);
  if (!isWaiting && proposed === null) throw notProposed(key.record.name);
  const own = proposed === null ? null : termsChangeDigest(parseTermsChange(proposed.statement));
  const servers = await Promise.all(
    heard.map(async ({ server, participant, view, error }): Promise<StoppedTerms['servers'][number]> => {
      if (participant === null || view === null) {
        const isSilent = error === null || error.errorClass === 'AvailabilityError';
        const verdict = isSilent ? 'silent' : 'refused';
        return {
          server,
          verdict,
          text: error?.message ?? 'not among your servers any more',
          code: error?.code ?? null,
        };
      }
      const change = view.waiting?.change ?? null;
      if (change === null) return { server, verdict: 'nothing', text: 'nothing waits there', code: null };
      const which =
        own !== null && equalBytes(own, change) ? 'the change that was proposed here' : 'a change';
      try {
        await (await context.linkTo(participant.server)).call('terms.veto', { keyId, change, votes: [] });
        return { server, verdict: 'stopped', text: `${which} is over there`, code: null };
      } catch (thrown) {
        if (!(thrown instanceof CkmError)) throw thrown;
        const verdict = thrown.errorClass === 'AvailabilityError' ? 'silent' : 'refused';
        return { server, verdict, text: thrown.message, code: thrown.code };
      }
    }),
  );
  return { name: key.record.name, servers };
}
