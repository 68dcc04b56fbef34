import {
  changeOfTerms,
  encodeTerms,
  encodeTermsChange,
  type KeyTerms,
  parseTerms,
  policyHash,
} from '@ckm/api';
import { StateError, UsageError } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { ClientContext } from '../../context/context.js';
import type { CertifiedKey } from '../../keys/key-record.js';
import { certifiedTerms } from '../file/certified-terms.js';
import type { WrittenTerms } from '../file/terms-file.js';
import { aheadOf, isAbove } from './leads-on.js';
import { isOver, isSameContent, peopleOf, type ReadyChange, ready } from './plan-change.js';
import { type HeardStandings, readStandings } from './standing.js';
import { comesFrom } from './terms-graph.js';
import { readTermsNote } from './terms-note.js';

/** By which terms servers that are apart are to go: as they were written, as one of these servers has them, or as they were before. */
export type SettlingWish =
  | { readonly by: 'before' }
  | { readonly by: 'server'; readonly server: string }
  | { readonly by: 'written'; readonly written: WrittenTerms };

/**
 * What settles which terms servers of a key go by that have gone on from the same ones in different ways, or of which some alone have gone on. It follows what they
 * have in common, and its number is above all that they have, so that none goes back to what it takes back.
 * @throws StateError `TERMS_NOT_APART`; UsageError `TERMS_SERVER_UNKNOWN`; else as `prepareTermsChange`
 */
export async function prepareSettling(
  context: ClientContext,
  key: CertifiedKey,
  wish: SettlingWish,
): Promise<ReadyChange> {
  const heard = await readStandings(context, key);
  const { common } = heard;
  const ahead = aheadOf(heard, common);
  if (ahead.length === 0) throw notApart(key.record.name);
  const { version: _version, previous: _previous, ...content } = await contentOf(context, key, heard, wish);
  const isSuch = (terms: Uint8Array) => isSameContent(parseTerms(terms, REQUEST_FACTS), content);
  const { proposed } = await readTermsNote(context.store, key.keyId);
  const goesOn = proposed !== null && isSuch(proposed.terms) && isAbove(proposed, common, ahead);
  if (goesOn && !isOver(heard, proposed)) return ready(context, key, heard, proposed, true);
  const number = Math.max(common.version + 1, ...ahead.map(({ version }) => version)) + 1;
  const after = { ...content, version: number, previous: policyHash(common.terms) };
  const change = changeOfTerms({ keyId: key.keyId, id: context.random(32) }, common.terms, after);
  const link = { statement: encodeTermsChange(change), terms: encodeTerms(after), votes: [] };
  return ready(context, key, heard, link, false);
}

async function contentOf(
  context: ClientContext,
  key: CertifiedKey,
  heard: HeardStandings,
  wish: SettlingWish,
): Promise<KeyTerms> {
  const { terms } = heard.common;
  if (wish.by === 'before') return terms;
  if (wish.by === 'written')
    return certifiedTerms(wish.written, await peopleOf(context, key, terms, wish.written), terms);
  const one = heard.heard.find(({ server }) => server === wish.server);
  const has = one === undefined ? undefined : heard.termsAt(one);
  if (has === undefined || !comesFrom(has, heard.common)) throw serverUnknown(wish.server, key.record.name);
  return has.terms;
}

function notApart(name: string): StateError {
  return new StateError(
    `the servers of key ${name} are not apart: none has other terms than those that enough have`,
    {
      code: 'TERMS_NOT_APART',
      hint: 'bring up to date whoever is behind',
      retryable: false,
    },
  );
}

function serverUnknown(server: string, name: string): UsageError {
  return new UsageError(`${server} shows no terms of key ${name} that others could go over to`, {
    code: 'TERMS_SERVER_UNKNOWN',
    hint: 'see which server has which terms',
  });
}
