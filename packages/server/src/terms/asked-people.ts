import {
  encodeTermsProposal,
  isSettling,
  type Polling,
  silentIn,
  type TermsChange,
  termsChangeDigest,
  type TermsLink,
} from '@ckm/api';
import type { MatterOfPeople } from '../context.js';
import type { KeyRow, Reader, Transaction } from '../storage/storage.js';
import { judgeVotes } from '../votes/judge-vote.js';
import { nameOf } from '../votes/matter.js';
import { askPeople, endMatter, holdMatter, touchMatter } from '../votes/matters.js';
import { keepVotes, votesIn } from '../votes/store-vote.js';
import type { TermsMeans } from './means.js';
import { sentenceOf } from './note-change.js';
import { pollingOf, type Step } from './poll.js';

/** What was said of a change here by whatever way, as it was signed. */
export async function votesAbout(
  { context }: Pick<TermsMeans, 'context'>,
  reader: Reader,
  { owner }: Pick<KeyRow, 'owner'>,
  change: TermsChange,
): Promise<readonly Uint8Array[]> {
  const name = { owner, matter: 'terms', matterId: termsChangeDigest(change) };
  return (await votesIn(context, reader, name)).map(({ bytes }) => bytes);
}

/**
 * Has people find a change that waits, where they find what else they are asked about, with what was said of it so far. Those are asked who have a say: whom the
 * rule names, and everybody where the words proposed it, since each of them stops what the words alone would do.
 */
export async function askAbout(
  means: Pick<TermsMeans, 'context'>,
  transaction: Transaction,
  { owner }: Pick<KeyRow, 'owner'>,
  step: Step,
  { statement, terms, votes, byWords }: TermsLink & { readonly byWords: boolean },
): Promise<void> {
  const { context } = means;
  const { change: rule } = step.before;
  if (rule === undefined) return;
  const polling = pollingOf(means, step);
  const silent = silentIn(polling);
  const names = polling.approvers
    .map(({ name }) => name)
    .filter((name) => !silent.has(name) && (byWords || rule.of.includes(name)));
  if (names.length === 0) return;
  const matter = matterOf(owner, step, polling);
  const payload = encodeTermsProposal({ statement, terms });
  const before = await holdMatter(context, transaction, nameOf(matter));
  const isUnderEarlier = isSettling(step.change, step.before);
  const asked = { ...matter, payload, sentence: sentenceOf(step), names, isUnderEarlier };
  const stored = await askPeople(context, transaction, asked, before);
  const { kept } = await keepVotes(context, transaction, matter, judgeVotes(votes, polling));
  if (kept > 0) await touchMatter(context, transaction, stored);
}

function matterOf(
  owner: Uint8Array,
  { before }: Step,
  { ballot: { serverId: _server, ...ballot }, without }: Polling,
): MatterOfPeople {
  return { owner, terms: before, ballot, without };
}

/** Nobody is asked about a change any more. */
export async function endAsking(
  transaction: Transaction,
  { owner }: Pick<KeyRow, 'owner'>,
  change: Uint8Array,
): Promise<void> {
  await endMatter(transaction, { owner, matter: 'terms', matterId: change });
}
