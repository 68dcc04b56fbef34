import { isDeepStrictEqual } from 'node:util';
import { type KeyTerms, termsSentences } from '@ckm/api';
import { encodeHex, equalBytes } from '@ckm/foundation';
import { REQUEST_FACTS } from '@ckm/requests';
import type { KeyFacts } from '../../context.js';
import type { Tightening } from '../../policy/effective.js';
import { standingFreeze } from '../../policy/freeze.js';
import { freezerInWords } from '../../policy/freezer.js';
import { settingsLoosened, settingsTightened } from '../../policy/compare-tightening.js';
import { describeTightening, nameServerPolicy } from '../../policy/describe-policy.js';
import {
  findTightening,
  NO_TIGHTENING,
  type StoredTightening,
  storeTightening,
} from '../../policy/tightening.js';
import type {
  OperatorKey,
  OperatorKeyCursor,
  OperatorKeyPolicy,
  OperatorKeys,
  TightenBody,
} from '../schemas/keys.js';
import { ambiguous, loosens, tightens, unknown } from './errors.js';
import { idsBeginning } from '../../storage/id-prefix.js';
import { repeatWhenRaced } from '../../storage/raced.js';
import { unlessChanged } from '../../storage/tampered-row.js';
import { note } from './note.js';
import type { KeyRow, Transaction } from '../../storage/storage.js';
import type { DeskMeans } from './means.js';

/** How many keys are told at once. */
const PAGE = 200;
/** Whose ids begin alike: more of them need not be told apart. */
const MOST_ALIKE = 16;

/** Where a list of all keys has come to. */
export interface KeyCursor {
  readonly owner: Uint8Array;
  readonly keyId: Uint8Array;
}

/** A change of what the operator takes away from a key. */
interface Restriction {
  readonly action: 'tighten' | 'loosen';
  readonly sentence: string;
  /** @throws UsageError for a change that is not what the action says */
  check(before: Tightening, after: Tightening, keyId: Uint8Array): void;
}

/** A change that lets a key answer again. */
interface Lifting {
  readonly action: 'release';
  readonly sentence: string;
  /** The same as before: there was nothing to take back. */
  change(before: Tightening): { readonly after: Tightening; readonly detail: string };
}

/** A key that something is done about. */
interface KeyAtHand {
  readonly transaction: Transaction;
  readonly held: KeyRow;
  readonly before: Tightening;
  store(after: Tightening): Promise<StoredTightening>;
}

/** What the operator takes away from it now, and what the log says of that; null: nothing was done. */
interface Done {
  readonly after: Tightening;
  readonly noted: { readonly policy?: string; readonly detail: string } | null;
}

/** Keys and their policies. `owner` is only needed when ids of two accounts begin alike. */
export function createKeyDesk({ context, sessions }: Pick<DeskMeans, 'context' | 'sessions'>) {
  const { storage, audit, vault, events, clock } = context;
  const server = { ...context.config.policy, name: nameServerPolicy(context.config.policy) };

  /** @param prefix the first digits of its id */
  async function find(prefix: string, owner: Uint8Array | null): Promise<KeyFacts> {
    const [lowest, highest] = idsBeginning(prefix);
    const rows = await storage.read(({ keys }) => keys.withIdBetween(lowest, highest, MOST_ALIKE));
    const found = owner === null ? rows : rows.filter((row) => equalBytes(row.owner, owner));
    if (found.length > 1) throw ambiguous('key');
    const [row] = found;
    if (row === undefined) throw unknown('key', { kind: 'listHeldKeys' });
    return sessions.keyFacts(row);
  }

  /** Does something about what the operator takes away from a key, and writes it down unless that was nothing. */
  async function act(
    prefix: string,
    owner: Uint8Array | null,
    { action, sentence }: Pick<Restriction | Lifting | typeof THAW, 'action' | 'sentence'>,
    work: (key: KeyAtHand) => Promise<Done>,
  ): Promise<OperatorKeyPolicy> {
    const facts = await find(prefix, owner);
    const { keyId } = facts;
    const tightening = await storage.transact(async (transaction) => {
      const held = await transaction.keys.hold(facts.owner, keyId);
      if (held === null) throw unknown('key', { kind: 'listHeldKeys' });
      const before = (await findTightening(vault, transaction, sessions.keyFacts(held))) ?? NO_TIGHTENING;
      const store = async (after: Tightening) => {
        const stored = await storeTightening(vault, transaction, facts, after);
        await sessions.noteTightened(transaction, held, stored);
        return stored;
      };
      const { after, noted } = await work({ transaction, held, before, store });
      if (noted === null) return after;
      await note(audit, transaction, `operator.${action}`, sentence, { who: facts.owner, keyId, ...noted });
      return after;
    });
    events.operatorActed({ action });
    return viewPolicy(facts, server, tightening, clock());
  }

  function restrict(
    prefix: string,
    owner: Uint8Array | null,
    change: TightenBody,
    restriction: Restriction,
  ): Promise<OperatorKeyPolicy> {
    return act(prefix, owner, restriction, async ({ held, before, store }) => {
      const after = merged(before, change);
      restriction.check(before, after, held.keyId);
      // Nothing is done, and what is not done is not in the log.
      if (isDeepStrictEqual(before, after)) return { after: before, noted: null };
      const { version } = await store(after);
      return { after, noted: { policy: `operator ${version}`, detail: describeTightening(after) } };
    });
  }

  /** Takes back what stops a key, and writes it down also where nothing did. */
  function lift(prefix: string, owner: Uint8Array | null, lifting: Lifting): Promise<OperatorKeyPolicy> {
    return act(prefix, owner, lifting, async ({ transaction, held, before, store }) => {
      const { after, detail } = lifting.change(before);
      if (after !== before) await store(after);
      const released = await releaseAlso(transaction, held, before);
      return { after, noted: { detail: [detail, ...released].join('; ') } };
    });
  }

  /** What a release lifts besides. One that was stopped is only let go of what others told it when it is released once more. */
  async function releaseAlso(
    transaction: Transaction,
    held: KeyRow,
    { stoppedAt }: Tightening,
  ): Promise<readonly string[]> {
    if (await sessions.releaseHead(transaction, held)) return [NOT_ASKED];
    if (stoppedAt !== null) return [];
    return (await sessions.releaseCount(transaction, held)) ? [NOT_TOLD] : [];
  }

  async function keyPolicy(prefix: string, owner: Uint8Array | null): Promise<OperatorKeyPolicy> {
    const sought = await find(prefix, owner);
    return repeatWhenRaced(() =>
      storage.read(async (reader) => {
        const row = await reader.keys.find(sought.owner, sought.keyId);
        if (row === null) throw unknown('key', { kind: 'listHeldKeys' });
        const facts = sessions.keyFacts(row);
        const found = await unlessChanged(reader, row, () => findTightening(vault, reader, facts));
        const tightening = found ?? NO_TIGHTENING;
        const waits = await sessions.thawWaits(reader, row, tightening.freezes);
        return { ...viewPolicy(facts, server, tightening, clock()), thawWaits: waits };
      }),
    );
  }

  return {
    /** A page of them, behind `after`. */
    keys: async (after: KeyCursor | null): Promise<OperatorKeys> => {
      const rows = await storage.read(({ keys }) => keys.listAll(after, PAGE));
      const facts = rows.map((row) => ({ row, facts: sessions.keyFactsIfWhole(row) }));
      const last = rows.length < PAGE ? undefined : rows.at(-1);
      return {
        keys: facts.flatMap((one) => (one.facts === null ? [] : [view(one.facts)])),
        unreadable: facts.flatMap((one) => (one.facts === null ? [cursorOf(one.row)] : [])),
        next: last === undefined ? null : cursorOf(last),
      };
    },
    keyPolicy,
    /** Only takes away. What is absent in `change` stays as it is. */
    tighten: (prefix: string, owner: Uint8Array | null, change: TightenBody): Promise<OperatorKeyPolicy> =>
      restrict(prefix, owner, change, {
        action: 'tighten',
        sentence: 'Tighten the policy of a key',
        check: (before, after, keyId) => {
          const settings = settingsLoosened(before, after);
          if (settings.length > 0) throw loosens(keyId, settings);
        },
      }),
    /** Takes back what was taken away. What is absent in `change` stays as it is. */
    loosen: (prefix: string, owner: Uint8Array | null, change: TightenBody): Promise<OperatorKeyPolicy> =>
      restrict(prefix, owner, change, {
        action: 'loosen',
        sentence: 'Loosen the policy of a key',
        check: (before, after, keyId) => {
          const settings = settingsTightened(before, after);
          if (settings.length > 0) throw tightens(keyId, settings);
        },
      }),
    /** Whoever releases a key has looked at the machine: the next wrong share stops it again. */
    release: (prefix: string, owner: Uint8Array | null): Promise<OperatorKeyPolicy> =>
      lift(prefix, owner, {
        action: 'release',
        sentence: 'Answer again for a key',
        change: (before) => ({
          after: before.stoppedAt === null ? before : { ...before, stoppedAt: null },
          detail: before.stoppedAt === null ? 'it was not stopped' : 'stopped by a wrong share',
        }),
      }),
    /** What its owner froze, and asked to have back; its id freezes nothing any more. Where its terms ask others too, it waits for them. */
    thaw: async (prefix: string, owner: Uint8Array | null): Promise<OperatorKeyPolicy> => {
      await act(prefix, owner, THAW, async ({ transaction, held, before, store }) => {
        const isFrozen = standingFreeze(before.freezes, clock()) !== null;
        const { freezes, waits } = await sessions.thaw(transaction, held, before.freezes);
        const after = freezes === before.freezes ? before : { ...before, freezes };
        if (after !== before) await store(after);
        const detail = waits === null ? 'frozen by its owner' : `agreed to, and it goes on: ${waits}`;
        return { after, noted: { detail: isFrozen ? detail : 'it was not frozen' } };
      });
      return keyPolicy(prefix, owner);
    },
  };
}

const THAW = { action: 'thaw', sentence: 'Thaw a key before its time' } as const;
const NOT_ASKED = 'used again without asking others how far it is';
const NOT_TOLD = 'counted by this server alone, whatever others told it';

function merged(before: Tightening, change: TightenBody): Tightening {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...before, ...(Object.fromEntries(given) as Partial<Tightening>) };
}

function cursorOf({ owner, keyId }: KeyCursor): OperatorKeyCursor {
  return { owner: encodeHex(owner), keyId: encodeHex(keyId) };
}

function view({
  owner,
  keyId,
  transcriptHash,
  policy: _policy,
  tightened: _tightened,
  frozen,
  ...facts
}: KeyFacts): OperatorKey {
  return {
    ...facts,
    frozen:
      frozen === null
        ? null
        : { until: frozen.until, thawAskedAt: frozen.thawAskedAt, by: freezerInWords(frozen.by) },
    owner: encodeHex(owner),
    keyId: encodeHex(keyId),
    transcriptHash: transcriptHash === null ? null : encodeHex(transcriptHash),
  };
}

function viewPolicy(
  facts: KeyFacts,
  server: OperatorKeyPolicy['server'],
  { freezes, ...tightening }: Tightening,
  now: number,
): OperatorKeyPolicy {
  const { stoppedAt } = tightening;
  const stops = { stoppedAt, frozen: standingFreeze(freezes, now) };
  return { ...view({ ...facts, ...stops }), ...viewTerms(facts.policy), tightening, server, thawWaits: null };
}

function viewTerms(certified: KeyTerms): Pick<OperatorKeyPolicy, 'owned' | 'terms'> {
  const { version, previous, approvals, change, silence, ownerKey, approvers, ...owned } = certified;
  const more = [version, previous, approvals, change, silence, ownerKey, approvers];
  const isPlain = more.every((one) => one === undefined);
  return { owned, terms: isPlain ? [] : [...termsSentences(certified, REQUEST_FACTS)] };
}
