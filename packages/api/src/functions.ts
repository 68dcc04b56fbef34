// Longer than other files, because it is the one table of what an owner can ask of a server, and who may ask it stands on each line.
import { z } from 'zod';
import { accountFreeze, accountThaw, frozenAccount } from './account-freeze.js';
import { keyChain, keyLearn } from './chains.js';
import { craftPrepared, craftWanted } from './crafts/crafts.js';
import {
  bytesOf,
  bytesUpTo,
  epoch,
  identifier,
  label,
  meantTranscript,
  quorum,
  slot,
  unixSeconds,
} from './fields/fields.js';
import { keyHeadAsked, keyHeadsShown } from './heads.js';
import {
  boundChange,
  changeCancel,
  changeCommit,
  changeLock,
  changeOrder,
  changePromise,
  changePropose,
  changeLeave,
  changeRetire,
  forkCancel,
  forkEnd,
  forkSettle,
  forkShow,
  changeYield,
  openOrder,
  openSettlement,
} from './changes.js';
import { shareDelete, shareGet, shareList, shareStore } from './deposits/deposits.js';
import { deviceSeen, deviceShow, deviceUpdate } from './devices/functions.js';
import { keyDevices } from './devices/key-devices.js';
import type { Needs } from './devices/privileges.js';
import { exportProof, keyExported } from './exports.js';
import { heirAsk, heirDoubt, heirLook, heirUse } from './life/heir-functions.js';
import { aliveCarry, freezeCarry, frozenKey, keyLife } from './life/functions.js';
import { termsLearn, termsPropose, termsShow, termsVeto } from './terms/functions.js';
import { MAX_PACKET_BYTES } from './packet.js';
import {
  recoveryFinish,
  recoveryList,
  recoveryOpen,
  recoveryProve,
  recoveryShow,
  recoveryVeto,
} from './recovery/cases.js';
import { contactList, contactRemove, contactSet, contactVerify } from './recovery/contacts.js';
import { dkgResult, MAX_PACKETS, proposal, sessionView, suiteName } from './sessions.js';
import { requestAsk, requestReply } from './requests.js';
import { keyTerms } from './terms/schema.js';
import { approvalGive, approvalList, approvalShow } from './votes/functions.js';

/** `pending`: shares exist, the certificate does not; such a key answers nothing. `active`: certified. */
export const keyState = z.enum(['pending', 'active']);

const freezeView = z.strictObject({
  frozen: frozenKey.nullable(),
  /** For how long the key may still be frozen within 30 days, from now on. */
  leftSeconds: z.int().min(0),
  /** Of `key.thaw`: whose yes the end of the freeze waits for, in words; absent: nobody's. */
  waits: label(280).exactOptional(),
  /** The order about who holds the key next that waits here: whom it lets in is told too; absent: none. */
  order: changeOrder.optional(),
  /** What no freeze stops any more, where this server knows of it; absent: it knows of none. */
  bound: boundChange.optional(),
});

/** A repair that goes on at a server, for the owner's other devices. `slot`: of the server whose share is lost. */
const openRepair = z.strictObject({ sessionId: identifier, slot, expiresAt: unixSeconds });

/** An export of a key that goes on at a server: every device of its owner is shown what one of them asked for. */
const openExport = z.strictObject({
  sessionId: identifier,
  /** 32 bytes: names the export; its likeness is the six words that operators type. */
  orderHash: bytesOf(32),
  /** Whether its operator is asked, and has not said yes. */
  asked: z.boolean(),
  /** When its delay is over, if the server runs on; null: it is. */
  readyAt: unixSeconds.nullable(),
  expiresAt: unixSeconds,
});

export const keySummary = z.strictObject({
  keyId: identifier,
  suite: suiteName,
  purpose: z.string().max(32),
  quorum,
  state: keyState,
  /** Which membership of the key this server has a share of; of one that left, the last in which it had. */
  epoch,
  /** 32 bytes: which certificate of that epoch it stands on, or, where it left, of the first in which it has no part; absent: it has none yet. */
  transcriptHash: bytesOf(32).optional(),
  /** The first epoch in which this server has no part; absent: it is in the newest that it knows. */
  left: epoch.optional(),
  /** An epoch that is certified, and that this server has not entered yet: the one before is in use; absent: none. */
  decided: epoch.optional(),
  /** An epoch of which this server has seen two certificates, which nobody has settled as far as it knows: it answers nothing with the key; absent: none. */
  forked: epoch.optional(),
  createdAt: unixSeconds,
  /** When the server stopped the key, because it had computed a wrong share with it; absent: it answers. */
  stoppedAt: unixSeconds.optional(),
  /** The server has the key, and does not find what opens its share of it, or, where it was asked of this key alone, found another share than the certified one; absent: neither. */
  isShareLost: z.literal(true).optional(),
  /**
   * The server was restored or repaired in this epoch, and may have said of a change what it does not know of: until all others have reminded it
   * it decides on none. Absent: it remembers everything.
   */
  hasForgotten: z.literal(true).optional(),
  /** Absent: it is not frozen. */
  frozen: frozenKey.optional(),
  /** Repairs of the key that the server has been asked to take part in, and that go on: whoever did not ask stops them; absent: none. */
  repairs: z.array(openRepair).min(1).max(32).optional(),
  /** The order about who holds the key next that waits here: whoever did not give it takes it back; absent: none waits. */
  order: openOrder.optional(),
  /** The order about which certificate of a forked epoch counts that waits here; absent: none waits. */
  settlement: openSettlement.optional(),
  /** Exports of the key that go on: whoever did not ask cancels them; absent: none. */
  exports: z.array(openExport).min(1).max(32).optional(),
  /** When the server gave its share out; absent: it never did. */
  exportedAt: unixSeconds.optional(),
  /** The last heir who asked for the key here because its owner was silent, and whether he still does: a sign of life ends it. Absent: nobody ever did. */
  heirAsked: z.strictObject({ heir: label(32), at: unixSeconds, isOpen: z.boolean() }).exactOptional(),
});

/** At most this many keys in one answer. */
export const MAX_LISTED = 256;

/**
 * What computes with the keys of one suite at a server. `bigint`: its time depends on the secrets; a server that does so
 * was told to by its operator. Names, not enumerations: a newer server may have others.
 */
const suiteBackend = z.strictObject({ suite: label(32), backend: label(32), grade: label(16) });

/** Ceremonies that make a key, and those that only go on with what was decided; every other gives a share to somebody. */
const MAKING: readonly string[] = ['dkg', 'import'];
const CARRYING: readonly string[] = ['reshare'];

function needsOfSession({ proposal: { kind } }: { readonly proposal: { readonly kind: string } }): Needs {
  if (MAKING.includes(kind)) return 'make';
  return CARRYING.includes(kind) ? 'carry' : 'manage';
}

const empty = z.strictObject({});
/** How many packets of a server's outbox the caller has: what is sent lies behind them. */
const heldPackets = z.int().min(0).max(65_536);

/**
 * Who may call a function. `stranger`: anybody, with an introduction inside the message. `approver`: anybody as well; what it says is about the sender,
 * whom the terms of a key may name, and who has nothing there is answered as everybody is. `account`: whoever has an account
 * that is not suspended. `owner`: an account, about what is its own; what is somebody else's does not exist for it.
 */
export type May = 'stranger' | 'approver' | 'account' | 'owner';

/** What a function may change that is still there tomorrow; one that changes nothing leaves nothing in the audit log. */
export type FunctionChanges = 'nothing' | 'request' | 'key' | 'account' | 'session';

/** Whether a function is about keys of drills, too or only; what does not say so is never about one. */
export type OfDrills = 'too' | 'only';

/**
 * What gives a share to somebody who has none, takes one away, or gives the whole key to its owner. Each server asks its operator for it and waits, as
 * was certified with the key, or as its operator asks beyond that. A repair for another identity is no repair: it is `members`.
 */
export type Weighty = 'members' | 'quorum' | 'export';

/**
 * What a frozen account goes on with: what stops something, tightens it, takes a device out, gives an account back or a sign of life, and what only brings what was
 * decided before.
 */
type WhileFrozen = 'goes on' | 'waits';

interface FunctionRow {
  readonly may: May;
  /** What it takes of the key that a message is signed with; absent: whoever asks has no account yet. */
  readonly needs?: Needs | ((parameters: never) => Needs);
  readonly changes: FunctionChanges;
  /** Stops what goes on, or shows what would be stopped: a device that another one has removed may do it for seven days more (L9). */
  readonly stops?: true;
  /** Whether it goes on while the whole account is frozen; absent: what changes nothing does, and nothing else. */
  readonly whileFrozen?: WhileFrozen;
  readonly drills?: OfDrills;
  /** What of it is weighty; absent: nothing. */
  readonly weighty?: readonly Weighty[];
  readonly parameters: z.ZodType;
  readonly result: z.ZodType;
}

/**
 * Every function a server answers: the wire contract, from which its checks and the client’s types both come.
 */
export const FUNCTIONS = {
  'account.open': {
    may: 'stranger',
    changes: 'account',
    whileFrozen: 'goes on',
    parameters: z.strictObject({ invite: label(64).nullable() }),
    result: z.strictObject({ openedAt: unixSeconds }),
  },
  /**
   * Stops everything that the account asks for at this server from now until then. `id`: 32 fresh bytes, of this server alone: the same at two of them would
   * tell them that they serve one person.
   */
  'account.freeze': {
    may: 'account',
    needs: 'look',
    changes: 'account',
    stops: true,
    whileFrozen: 'goes on',
    ...accountFreeze,
  },
  /** Asks the operator to end that before its time. */
  'account.thaw': {
    may: 'account',
    needs: 'manage',
    changes: 'account',
    whileFrozen: 'goes on',
    ...accountThaw,
  },
  'server.describe': {
    may: 'account',
    needs: 'look',
    changes: 'nothing',
    parameters: empty,
    result: z.strictObject({
      name: label(64),
      version: label(32),
      time: unixSeconds,
      keys: z.int().min(0),
      keyQuota: z.int().min(0),
      arithmetic: z.array(suiteBackend).max(32),
      /** The whole account is frozen; absent: it is not. */
      frozen: frozenAccount.exactOptional(),
    }),
  },
  'session.propose': {
    may: 'account',
    needs: needsOfSession,
    changes: 'session',
    weighty: ['export'],
    parameters: z.strictObject({ sessionId: identifier, proposal, expiresAt: unixSeconds }),
    result: sessionView,
  },
  /** Hands over the complete parameters (roster and all); the protocol starts here. */
  'session.join': {
    may: 'owner',
    needs: 'carry',
    changes: 'session',
    parameters: z.strictObject({ sessionId: identifier, parameters: bytesUpTo(65_536) }),
    result: sessionView,
  },
  'session.deliver': {
    may: 'owner',
    needs: 'carry',
    changes: 'session',
    parameters: z.strictObject({
      sessionId: identifier,
      packets: z.array(bytesUpTo(MAX_PACKET_BYTES)).max(MAX_PACKETS),
      after: heldPackets,
    }),
    result: sessionView,
  },
  'session.show': {
    may: 'owner',
    needs: 'look',
    changes: 'nothing',
    parameters: z.strictObject({ sessionId: identifier, after: heldPackets }),
    result: sessionView,
  },
  'session.cancel': {
    may: 'owner',
    needs: 'look',
    changes: 'session',
    whileFrozen: 'goes on',
    parameters: z.strictObject({ sessionId: identifier, reason: label(280) }),
    result: sessionView,
  },
  /** By ids, in ascending order, those behind `after`. `next`: what to list behind next; null at the end. */
  'key.list': {
    may: 'account',
    needs: 'look',
    changes: 'nothing',
    parameters: z.strictObject({ after: identifier.nullable() }),
    result: z.strictObject({
      keys: z.array(keySummary).max(MAX_LISTED),
      next: identifier.nullable(),
      /** Ids of keys whose rows the server cannot read any more; absent: none on this page. */
      unreadable: z.array(identifier).max(MAX_LISTED).optional(),
    }),
  },
  'key.show': {
    may: 'owner',
    needs: 'look',
    changes: 'nothing',
    drills: 'too',
    parameters: z.strictObject({ keyId: identifier }),
    result: z.strictObject({
      key: keySummary,
      policy: keyTerms,
      certificate: bytesUpTo(1_048_576).nullable(),
      /** What shows that the key was given out; absent: this server knows of nothing. */
      exportProof: exportProof.optional(),
      /** Its share was given back by the others in this epoch, and it has nothing to deal it with: others make the shares of the next; absent: it does. */
      cannotDeal: z.literal(true).optional(),
    }),
  },
  /** Presents a certificate to a server that never saw round 3 finish; whenever that is. */
  'key.certify': {
    may: 'owner',
    needs: 'carry',
    changes: 'key',
    drills: 'too',
    parameters: z.strictObject({ keyId: identifier, certificate: bytesUpTo(1_048_576) }),
    result: dkgResult,
  },
  /**
   * Gives a server that lost its share of a key the certificate to recover it from. Only for the account that made the
   * key, and only where the server kept or can derive its static key.
   */
  'key.restore': {
    may: 'owner',
    needs: 'manage',
    changes: 'key',
    parameters: z.strictObject({ certificate: bytesUpTo(1_048_576), policy: keyTerms }),
    result: dkgResult,
  },
  /** Certificates of a key, from its generation on: for servers and clients that were away. */
  'key.chain': { may: 'owner', needs: 'look', changes: 'nothing', ...keyChain },
  /** Shows a server certificates in pages, where all of them are too long for one message: before it joins the key, takes its share back or leaves. */
  'key.learn': { may: 'owner', needs: 'carry', changes: 'key', ...keyLearn },
  /**
   * Asks a server how far a key is, for another one that came back from an older state and drew `nonce`. Asked how often it was used as well, it
   * voids what it has published for the next signatures, once for each nonce.
   */
  'key.head': { may: 'owner', needs: 'carry', changes: 'key', whileFrozen: 'goes on', ...keyHeadAsked },
  /** Shows such a server what others said: from then on it uses the key again. */
  'key.heads': { may: 'owner', needs: 'carry', changes: 'key', whileFrozen: 'goes on', ...keyHeadsShown },
  /** Shows a server that others of the key have given their shares out: it counts as exported there too, in its log before all. */
  'key.exported': { may: 'owner', needs: 'carry', changes: 'key', whileFrozen: 'goes on', ...keyExported },
  /**
   * Takes in an order who shall hold a key next, or shows how far it is. A refresh needs no more than the owner's account, and of a device `use`;
   * what gives a share to somebody who has none, or changes the quorum, waits for the conditions certified with the key. What fewer than decide are
   * to decide (`byWords`) is taken from the key of the words alone, waits seven days besides, and every key of the account may take it back.
   */
  'change.propose': {
    may: 'owner',
    needs: 'carry',
    changes: 'key',
    weighty: ['members', 'quorum'],
    ...changePropose,
  },
  'change.cancel': { may: 'owner', needs: 'look', changes: 'key', whileFrozen: 'goes on', ...changeCancel },
  /** The three steps of a decision: the old members say each of them once. */
  'change.promise': { may: 'owner', needs: 'carry', changes: 'key', ...changePromise },
  'change.lock': { may: 'owner', needs: 'carry', changes: 'key', ...changeLock },
  'change.yield': { may: 'owner', needs: 'carry', changes: 'key', ...changeYield },
  /** Presents the certificate of a change; whenever that is, and one epoch after the other. */
  'change.commit': { may: 'owner', needs: 'carry', changes: 'key', whileFrozen: 'goes on', ...changeCommit },
  /** Shows a server that was away, and can open no share of the epochs since, that it is no longer among those of the key. */
  'change.leave': { may: 'owner', needs: 'carry', changes: 'key', whileFrozen: 'goes on', ...changeLeave },
  /** Has the share of an epoch destroyed that is over at every server of the next one. */
  'change.retire': { may: 'owner', needs: 'carry', changes: 'key', whileFrozen: 'goes on', ...changeRetire },
  /** Shows the certificates of one epoch that contradict each other, where this server was shown several. */
  'fork.show': { may: 'owner', needs: 'look', changes: 'nothing', ...forkShow },
  /** Orders which of them is to count. Weighty: operator and delay, by the rules of the key; then `change.promise`, `lock` and `yield` are about this. */
  'fork.settle': { may: 'owner', needs: 'manage', changes: 'key', ...forkSettle },
  'fork.cancel': { may: 'owner', needs: 'look', changes: 'key', whileFrozen: 'goes on', ...forkCancel },
  /** Shows what was settled. */
  'fork.end': { may: 'owner', needs: 'carry', changes: 'key', whileFrozen: 'goes on', ...forkEnd },
  /**
   * Asks a server to show that it still holds its share: a proof for this very question, for which the key is not used.
   * `challenge`: fresh random bytes of whoever asks; `at`: by his clock.
   */
  'key.check': {
    may: 'owner',
    needs: 'use',
    changes: 'nothing',
    parameters: z.strictObject({
      keyId: identifier,
      epoch,
      transcriptHash: meantTranscript,
      challenge: bytesOf(32),
      at: unixSeconds,
    }),
    result: z.strictObject({ proof: bytesUpTo(65) }),
  },
  /**
   * Stops the key at this server from now until then. `id`: 32 fresh bytes, good for one freeze, the same at every server of
   * the key; `from`, `until`: at most seven days, and seven days in 30.
   */
  'key.freeze': {
    may: 'owner',
    needs: 'look',
    changes: 'key',
    whileFrozen: 'goes on',
    stops: true,
    parameters: z.strictObject({ keyId: identifier, id: identifier, from: unixSeconds, until: unixSeconds }),
    result: freezeView,
  },
  /**
   * Asks the operator, and people whom the terms name for changes, to end a freeze before its time: that lets the key go on, where every other word of whoever
   * may only look stops it.
   */
  'key.thaw': {
    may: 'owner',
    needs: 'manage',
    changes: 'key',
    whileFrozen: 'goes on',
    parameters: z.strictObject({ keyId: identifier }),
    result: freezeView,
  },
  /** For how long its owner has given no sign of life here, where the terms let heirs do something then. */
  'key.life': { may: 'owner', needs: 'look', changes: 'nothing', ...keyLife },
  /** Brings lists of the owner's devices for this key, each signed by a key of the one before, and shows them. Whoever signed decides. */
  'key.devices': { may: 'owner', needs: 'look', changes: 'key', whileFrozen: 'goes on', ...keyDevices },
  /**
   * Has a server forget a key of a drill, share and all, as if its disk had died.
   */
  'drill.forget': {
    may: 'owner',
    needs: 'make',
    changes: 'key',
    drills: 'only',
    parameters: z.strictObject({ keyId: identifier }),
    result: empty,
  },
  /** Which keys the account has here: that of its words, and those of its devices. */
  'device.show': { may: 'account', needs: 'look', changes: 'nothing', ...deviceShow },
  /** Brings lists of its devices, each signed by a key of the one before. */
  'device.update': {
    may: 'account',
    needs: 'look',
    changes: 'account',
    whileFrozen: 'goes on',
    ...deviceUpdate,
  },
  /** A device that another one, or the words, have seen is young for three days from then on. */
  'device.seen': { may: 'account', needs: 'look', changes: 'account', whileFrozen: 'goes on', ...deviceSeen },
  /** Keeps something small for the account: a share of a secret of its owner. What belongs to others is not there, for whoever asks. */
  'share.store': { may: 'account', needs: 'use', changes: 'account', ...shareStore },
  'share.list': { may: 'account', needs: 'use', changes: 'nothing', ...shareList },
  /** Takes more than using keys: enough shares are the owner's words. */
  'share.get': { may: 'account', needs: 'manage', changes: 'nothing', whileFrozen: 'waits', ...shareGet },
  'share.delete': { may: 'account', needs: 'manage', changes: 'account', ...shareDelete },
  /** Which terms of a key are in force, the changes that led there, and what waits. */
  'terms.show': { may: 'owner', needs: 'look', changes: 'nothing', stops: true, ...termsShow },
  /** Proposes other terms: what is provably tighter is in force at once, all else waits for those whom the terms in force ask, and for its time. */
  'terms.propose': { may: 'owner', needs: 'manage', changes: 'key', whileFrozen: 'goes on', ...termsPropose },
  /** Every key of the account stops a change that waits, and brings what approvers say of it. */
  'terms.veto': {
    may: 'owner',
    needs: 'look',
    changes: 'key',
    whileFrozen: 'goes on',
    stops: true,
    ...termsVeto,
  },
  /** Brings changes to a server that was away. Takes `manage` where no votes speak for one that is new there. */
  'terms.learn': { may: 'owner', needs: 'use', changes: 'key', whileFrozen: 'goes on', ...termsLearn },
  /** Who brings the owner back who has lost every device: each is shown to work before it counts. */
  'contact.list': { may: 'account', needs: 'manage', changes: 'nothing', ...contactList },
  'contact.set': { may: 'account', needs: 'manage', changes: 'account', ...contactSet },
  'contact.verify': { may: 'account', needs: 'manage', changes: 'account', ...contactVerify },
  'contact.remove': { may: 'account', needs: 'manage', changes: 'account', ...contactRemove },
  /** Has a contact sent its code, where it is one that is sent. Nobody learns whether there is such a contact, or such an account. */
  'recovery.open': { may: 'stranger', changes: 'nothing', ...recoveryOpen },
  /** Shows a contact of an account: has its delay begin, or says no to somebody else's. */
  'recovery.prove': { may: 'stranger', changes: 'account', whileFrozen: 'goes on', ...recoveryProve },
  'recovery.show': { may: 'stranger', changes: 'nothing', ...recoveryShow },
  'recovery.finish': { may: 'stranger', changes: 'account', whileFrozen: 'goes on', ...recoveryFinish },
  'recovery.list': { may: 'account', needs: 'look', changes: 'nothing', stops: true, ...recoveryList },
  /** Every key of an account may stop. */
  'recovery.veto': {
    may: 'account',
    needs: 'look',
    changes: 'account',
    whileFrozen: 'goes on',
    stops: true,
    ...recoveryVeto,
  },
  /** Prepares what a craft needs before an attempt, so that the attempt itself costs one round trip. */
  'craft.prepare': {
    may: 'owner',
    needs: 'use',
    changes: 'nothing',
    whileFrozen: 'waits',
    drills: 'too',
    parameters: z.strictObject({ keyId: identifier, epoch, wanted: craftWanted }),
    result: z.strictObject({ prepared: craftPrepared }),
  },
  'request.ask': {
    may: 'owner',
    needs: 'use',
    changes: 'request',
    drills: 'too',
    parameters: requestAsk,
    result: requestReply,
  },
  'request.cancel': {
    may: 'owner',
    needs: 'look',
    changes: 'request',
    whileFrozen: 'goes on',
    parameters: z.strictObject({ requestId: identifier, reason: label(280) }),
    result: requestReply,
  },
  /** What waits for a yes or no of whoever asks. */
  'approval.list': { may: 'approver', changes: 'nothing', ...approvalList },
  'approval.show': { may: 'approver', changes: 'nothing', ...approvalShow },
  /** Brings a freeze that somebody signed whom the terms of the key name, or a device of its owner: whoever carries it, by whatever way it came. */
  'freeze.carry': { may: 'approver', changes: 'key', whileFrozen: 'goes on', ...freezeCarry },
  /** Brings a sign of life of the owner of a key, whoever carries it: for how long he is silent is counted anew from then on. */
  'alive.carry': { may: 'approver', changes: 'key', whileFrozen: 'goes on', ...aliveCarry },
  /** For how long the owner of a key has been silent, and whether an heir has asked for it. */
  'heir.look': { may: 'approver', changes: 'nothing', ...heirLook },
  /** Opens a case of silence, or goes on with it. */
  'heir.ask': { may: 'approver', changes: 'key', whileFrozen: 'goes on', ...heirAsk },
  /** Has the days of a case begin anew: somebody else whom the terms name takes the owner to be alive. */
  'heir.doubt': { may: 'approver', changes: 'key', whileFrozen: 'goes on', ...heirDoubt },
  /** Uses the key in the place of its owner, where that is granted. */
  'heir.use': { may: 'approver', changes: 'request', whileFrozen: 'goes on', ...heirUse },
  /** Brings votes, by whatever way they came here: they count for what they say. */
  'approval.give': { may: 'approver', changes: 'request', whileFrozen: 'goes on', ...approvalGive },
} as const satisfies Record<string, FunctionRow>;

export type FunctionName = keyof typeof FUNCTIONS;
export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as readonly FunctionName[];
export type Parameters<F extends FunctionName> = z.infer<(typeof FUNCTIONS)[F]['parameters']>;
export type Result<F extends FunctionName> = z.infer<(typeof FUNCTIONS)[F]['result']>;

/** Whether a function is about keys of drills; null: it is never about one. */
export function drillsOf(name: FunctionName): OfDrills | null {
  const row: FunctionRow = FUNCTIONS[name];
  return row.drills ?? null;
}

/**
 * What a call takes of the key that it is signed with; null: it is a stranger's. An order takes more than its line says, once a server finds what it is: `use` for a refresh, `manage` for what is weighty.
 */
export function needsOf<F extends FunctionName>(name: F, parameters: Parameters<F>): Needs | null {
  const { needs }: FunctionRow = FUNCTIONS[name];
  if (typeof needs === 'function') return needs(parameters as never);
  return needs ?? null;
}

/** Whether a device that another one has removed may still call it. @param name of whatever a message names */
export function mayStillStop(name: string): boolean {
  return FUNCTION_NAMES.some((one) => one === name && (FUNCTIONS[one] as FunctionRow).stops === true);
}

/** Whether it waits while the whole account is frozen that calls it. */
export function waitsWhileFrozen(name: FunctionName): boolean {
  const { changes, whileFrozen }: FunctionRow = FUNCTIONS[name];
  return whileFrozen === undefined ? changes !== 'nothing' : whileFrozen === 'waits';
}

/** What of a function is weighty. */
export function weightyOf(name: FunctionName): readonly Weighty[] {
  const row: FunctionRow = FUNCTIONS[name];
  return row.weighty ?? [];
}

/** RFC 9457 problem details, as they travel inside a sealed reply. */
export const problem = z.strictObject({
  type: z.string().max(128),
  title: z.string().max(512),
  status: z.int().min(400).max(599),
  errorClass: z.string().max(32),
  code: z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/),
  hint: z.string().max(512),
  retryable: z.boolean(),
  facts: z.record(
    z.string().max(64),
    z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))]),
  ),
  /** What would help, as data. A kind that its reader does not know leaves the hint, which says the same in words. */
  remedy: z
    .record(z.string().max(32), z.union([z.string().max(256), z.int()]))
    .refine((fields) => Object.keys(fields).length <= 4)
    .optional(),
});
export type Problem = z.infer<typeof problem>;

/** What GET /v1/identity tells anybody: who this is. Pinned by the client on first contact. */
export const identityCard = z.strictObject({
  /** `ur:envelope/…` of the server's XID document, signed by its inception key: the XID alone binds no sealing key. */
  document: z.string().max(8192),
  name: label(64),
  version: label(32),
  accounts: z.enum(['open', 'invite', 'closed']),
  /** Versions of the protocol that this server speaks, ascending. */
  protocols: z.array(z.int().min(1).max(65_535)).min(1).max(16),
});
export type IdentityCard = z.infer<typeof identityCard>;
