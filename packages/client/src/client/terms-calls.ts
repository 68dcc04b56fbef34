import type { KeyTerms } from '@ckm/api';
import { listTermsNotes, newestKnown } from '../terms/change/known-terms.js';
import { prepareOwning } from '../terms/change/own-terms.js';
import { prepareTermsChange, type TermsChangePlan } from '../terms/change/plan-change.js';
import { carryTerms, type ProposedTerms, proposeTerms } from '../terms/change/propose-terms.js';
import { prepareSettling, type SettlingWish } from '../terms/change/settle-terms.js';
import { readStandings, type TermsStandings } from '../terms/change/standing.js';
import { type StoppedTerms, stopTermsChange } from '../terms/change/stop-change.js';
import type { WrittenTerms } from '../terms/file/terms-file.js';
import { type PastAnswers, testPast, type TestPastArgs } from '../terms/trial/past-requests.js';
import { type TermsAnswer, testOne, type TestTermsArgs } from '../terms/trial/test-terms.js';
import type { ClientRoom } from './client-room.js';

/** The terms of a key. */
export interface TermsCalls {
  /** The terms of a key as each of its servers has them, what waits, and how they came about. */
  showTerms(name: string): Promise<TermsStandings>;
  /** The newest terms of a key that this client has seen in force; nobody is asked. */
  knownTerms(name: string): Promise<KeyTerms>;
  /** What proposing other terms would ask of whom. Nothing is proposed or written. @param written null: what was proposed here last */
  planTerms(name: string, written: WrittenTerms | null): Promise<TermsChangePlan>;
  /**
   * Proposes other terms of a key to its servers, or goes on with that: called again it is the same change. Servers that are behind are brought up
   * to date first.
   * @param votes on it, as `parseVotes` gives them
   */
  proposeTerms(
    name: string,
    written: WrittenTerms | null,
    votes?: readonly Uint8Array[],
  ): Promise<ProposedTerms>;
  /** What naming whoever speaks here the owner of a key would ask of whom, where he came back without the words. Nothing is proposed or written. */
  planOwning(name: string): Promise<TermsChangePlan>;
  /** Proposes it, or goes on with that: called again it is the same change. */
  ownKey(name: string): Promise<ProposedTerms>;
  /** What settling which terms its servers go by would ask of whom, where they are apart. Nothing is proposed or written. */
  planSettling(name: string, wish: SettlingWish): Promise<TermsChangePlan>;
  /** Settles it, or goes on with that: called again it is the same change. */
  settleTerms(name: string, wish: SettlingWish): Promise<ProposedTerms>;
  /** Stops every change of the terms of a key that waits, whichever device proposed it. */
  stopTerms(name: string): Promise<StoppedTerms>;
  /** What the servers of a key would answer to a request by its terms, or by others. Nobody is asked, and nothing written. */
  testTerms(args: TestTermsArgs): Promise<TermsAnswer>;
  /** The same for the latest requests of a key that are on record here. */
  testPastTerms(args: TestPastArgs): Promise<PastAnswers>;
}

export function createTermsCalls({ context, store, readKey, acting }: ClientRoom): TermsCalls {
  return {
    showTerms: async (name) => readStandings(context, await readKey(name)),
    knownTerms: async (name) => {
      const { keyId, record } = await readKey(name);
      return newestKnown(keyId, record.policy, await listTermsNotes(store));
    },
    planTerms: async (name, written) =>
      (await prepareTermsChange(context, await readKey(name), written)).plan,
    proposeTerms: async (name, written, votes = []) =>
      acting(proposeTerms(context, await readKey(name), written, votes)),
    planOwning: async (name) => (await prepareOwning(context, await readKey(name))).plan,
    ownKey: async (name) => {
      const key = await readKey(name);
      return acting(prepareOwning(context, key).then((one) => carryTerms(context, key, one, [])));
    },
    planSettling: async (name, wish) => (await prepareSettling(context, await readKey(name), wish)).plan,
    settleTerms: async (name, wish) => {
      const key = await readKey(name);
      return acting(prepareSettling(context, key, wish).then((one) => carryTerms(context, key, one, [])));
    },
    stopTerms: async (name) => acting(stopTermsChange(context, await readKey(name))),
    testTerms: async (args) => testOne(context, await readKey(args.key), args),
    testPastTerms: async (args) => testPast(context, await readKey(args.key), args),
  };
}
