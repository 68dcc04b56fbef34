import { listKeyRecords } from '../keys/keys.js';
import { noteComparison, requireUndisputed } from '../keys/compare-key.js';
import { type CertifiedKey, type KeyComparison, type KeyRecord, requireUsable } from '../keys/key-record.js';
import { type ExpectedKey, saveExpectedKeys } from '../keys/fetch/expected-keys.js';
import { fetchKeys } from '../keys/fetch/fetch-keys.js';
import type { FetchedKey, FetchedKeys } from '../keys/fetch/fetched-key.js';
import { completeKey, keepKey, type KeepKeyArgs, type KeptKey } from '../keys/fetch/keep-key.js';
import { countUnrecorded, heldKeysOf, recordedKeyIds } from '../keys/fetch/unrecorded.js';
import { planRename, renameKey } from '../keys/rename-key.js';
import { type CreateKeyArgs, type KeyPlan, planKey } from '../keys/generation/plan-key.js';
import { createKey } from '../keys/generation/create-key.js';
import { importKey, type ImportKeyArgs, type ImportPlan, planImport } from '../keys/import/import-key.js';
import { forgetKey, planForgetting } from '../keys/forget-key.js';
import { type AddressOffer, type AddressWish, handOutAddress } from '../keys/addresses.js';
import { retireBehind } from '../keys/changes/retire-behind.js';
import type { OnProgress } from '../progress/progress.js';
import { showServerRecord } from '../servers/servers.js';
import { type KeyDraft, readDraft, saveDraft } from '../terms/drafts/key-draft.js';
import type { WrittenTerms } from '../terms/file/terms-file.js';
import { type InvitedPeople, invitedPeople } from '../terms/drafts/new-key-terms.js';
import type { ClientRoom } from './client-room.js';

/** Keys: how they come to be, and come onto record here. */
export interface KeyCalls {
  planKey(args: CreateKeyArgs): Promise<KeyPlan>;
  /** Puts on record what a key shall be that waits for the people of its terms. The key is made with `createKey`, which takes the record away. */
  draftKey(draft: Omit<KeyDraft, 'createdAt'>): Promise<KeyDraft>;
  /** Null: no key of that name waits. */
  showDraft(name: string): Promise<KeyDraft | null>;
  /** Who of the approvers in some terms has answered an invitation to a key of that name, which may be yet to be made. */
  invitedPeople(name: string, terms: WrittenTerms): Promise<InvitedPeople>;
  createKey(args: CreateKeyArgs, on?: OnProgress): Promise<CertifiedKey>;
  /** Checks that {@link KeyCalls.importKey} would do. Nothing is sent or written. */
  planImport(args: ImportKeyArgs): Promise<ImportPlan>;
  /** Deals a key that its owner has whole to servers, or goes on with that. The public key stays the same. */
  importKey(args: ImportKeyArgs, on?: OnProgress): Promise<CertifiedKey>;
  listKeys(): Promise<readonly KeyRecord[]>;
  /** With its certificate checked. */
  showKey(name: string): Promise<CertifiedKey>;
  /**
   * The same, before its public half is handed out.
   * @throws StateError `KEY_NOT_USABLE` while it is not complete; PeerFaultError `KEY_LIKENESS_DIFFERS`
   */
  usableKey(name: string): Promise<CertifiedKey>;
  /** Puts on record what came of comparing the likeness of a key, as it was shown, with what operators see. */
  noteComparison(key: CertifiedKey, outcome: KeyComparison['outcome']): Promise<KeyRecord>;
  /** A receive address that is handed out now: the next one, or one that its owner names. */
  handOutAddress(name: string, wish?: AddressWish): Promise<AddressOffer>;
  /** Keys that servers hold of ours and that are not on record, as after the seed was restored. Writes nothing. */
  fetchKeys(): Promise<FetchedKeys>;
  /** How many keys a server holds of ours that are not on record; 0 when it does not say. */
  countUnrecorded(server: string): Promise<number>;
  /** Remembers what is known of keys that are to be fetched: names and networks from a recovery sheet. */
  expectKeys(keys: readonly ExpectedKey[]): Promise<void>;
  /** Puts a fetched key on record. */
  keepKey(fetched: FetchedKey, args?: KeepKeyArgs): Promise<KeptKey>;
  /** Asks for the promises that a key on record lacks. */
  completeKey(name: string): Promise<KeptKey>;
  /** Checks that {@link KeyCalls.renameKey} would do. Writes nothing. */
  planRename(name: string, wanted: string): Promise<KeyRecord>;
  renameKey(name: string, wanted: string): Promise<KeyRecord>;
  /** Checks that {@link KeyCalls.forgetKey} would do. Writes nothing. */
  planForgetting(name: string): Promise<KeyRecord>;
  /** Takes a key off the records here; its servers keep their shares, and it can be fetched again. */
  forgetKey(name: string): Promise<void>;
}

export function createKeyCalls({ context, store, readKey, acting, silent }: ClientRoom): KeyCalls {
  return {
    planKey: (args) => planKey(context, args),
    draftKey: async (draft) => {
      const whole = { ...draft, createdAt: context.clock() };
      await acting(saveDraft(store, whole));
      return whole;
    },
    showDraft: (name) => readDraft(store, name),
    invitedPeople: (name, terms) => invitedPeople(context, name, terms),
    createKey: (args, on = silent) => acting(createKey(context, readKey, args, on)),
    planImport: (args) => planImport(context, args),
    importKey: (args, on = silent) => acting(importKey(context, readKey, args, on)),
    listKeys: () => listKeyRecords(store),
    showKey: readKey,
    usableKey: async (name) => {
      const key = requireUsable(await readKey(name));
      requireUndisputed(key.record);
      return key;
    },
    noteComparison: (key, outcome) => noteComparison(context, key, outcome),
    handOutAddress: (name, wish = {}) => handOutAddress(context, name, wish),
    fetchKeys: () => fetchKeys(context),
    countUnrecorded: async (name) => {
      const held = await heldKeysOf(context, await showServerRecord(store, name));
      return countUnrecorded(held, await recordedKeyIds(context));
    },
    expectKeys: (keys) => saveExpectedKeys(store, keys),
    keepKey: async (fetched, args = {}) => {
      const kept = await acting(keepKey(context, fetched, args));
      if (kept.missing.length > 0) return kept;
      // The computer that changed it may be gone, and have told no server to destroy what came before.
      await retireBehind(context, kept.key);
      return { ...kept, key: await readKey(kept.key.record.name) };
    },
    completeKey: (name) => completeKey(context, name),
    planRename: (name, wanted) => planRename(context, name, wanted),
    renameKey: (name, wanted) => renameKey(context, name, wanted),
    planForgetting: (name) => planForgetting(context, name),
    forgetKey: (name) => forgetKey(context, name),
  };
}
