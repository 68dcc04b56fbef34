// Longer than other files, because it is the one list of what a client does: each line calls the room that does it.
import { platformCarrier } from '#carrier';
import { type Secret, UsageError } from '@ckm/foundation';
import { namesOf } from './servers/ask-all.js';
import { createContext } from './context/context.js';
import type { SeedSource } from './owner/owner.js';
import {
  addDevice,
  type AddDeviceArgs,
  type AddedDevice,
  closeOffer,
  type DevicePlan,
  planDevice,
} from './devices/add-device.js';
import {
  type ChangedDevice,
  type DeviceChangePlan,
  planDeviceRemoval,
  planDeviceRename,
  removeDevice,
  type RemoveDeviceArgs,
  renameDevice,
  type RenameDeviceArgs,
} from './devices/change-device.js';
import {
  admitFirstDevice,
  draftFirstDevice,
  type FirstDevicePlan,
  planFirstDevice,
} from './devices/first-device.js';
import {
  type AnsweredInvitation,
  inviteApprover,
  type Invitation,
  type InviteArgs,
  planAnswer,
  planInvitation,
  takeAnswer,
} from './invitations/invite.js';
import { type InvitedTo, readInvited } from './invitations/invited.js';
import type { CaseView, ContactProof, KeyTerms } from '@ckm/api';
import {
  type ContactArgs,
  type Contacts,
  listContacts,
  removeContact,
  setContact,
  type SetContact,
  type SetContactArgs,
  verifyContact,
} from './contacts/contacts.js';
import type { ContactAt } from './contacts/alone.js';
import { vouch } from './contacts/vouch.js';
import { type CaseAt, listCases, vetoCase } from './recovery/cases.js';
import {
  beginRecovery,
  finishRecovery,
  openRecovery,
  proveContact,
  type ProveContactArgs,
  type Recovery,
  requestCode,
  requestVoucher,
  showRecovery,
} from './recovery/recover.js';
import {
  type Devices,
  listDevices,
  rememberDevices,
  seeDevices,
  type SilentServer,
} from './devices/list-devices.js';
import { type ChangedAt, sendUnsent } from './devices/lists/change-lists.js';
import { takeWelcome } from './devices/take-welcome.js';
import type { Welcome } from './devices/welcome.js';
import { createKeyReader, listKeyRecords } from './keys/keys.js';
import { noteComparison, requireUndisputed } from './keys/compare-key.js';
import { type CertifiedKey, type KeyComparison, type KeyRecord, requireUsable } from './keys/key-record.js';
import { type ExpectedKey, saveExpectedKeys } from './keys/fetch/expected-keys.js';
import { fetchKeys } from './keys/fetch/fetch-keys.js';
import type { FetchedKey, FetchedKeys } from './keys/fetch/fetched-key.js';
import { completeKey, keepKey, type KeepKeyArgs, type KeptKey } from './keys/fetch/keep-key.js';
import { countUnrecorded, heldKeysOf, recordedKeyIds } from './keys/fetch/unrecorded.js';
import { planRename, renameKey } from './keys/rename-key.js';
import { type CreateKeyArgs, type KeyPlan, planKey } from './keys/generation/plan-key.js';
import { createKey } from './keys/generation/create-key.js';
import { importKey, type ImportKeyArgs, type ImportPlan, planImport } from './keys/import/import-key.js';
import { createKeyImport, type ImportedKey } from './keys/import/key-import.js';
import type { GeneratedKey } from './keys/generation/conclude.js';
import { keyGeneration } from './keys/generation/key-generation.js';
import type { RepairedShare } from './keys/repair/conclude-repair.js';
import {
  type KeyRepair,
  planRepair,
  repairKey,
  type RepairKeyArgs,
  type RepairPlan,
} from './keys/repair/repair-key.js';
import {
  closeExport,
  exportKey,
  type ExportPlan,
  type KeyExport,
  planExport,
} from './keys/export/export-key.js';
import { stopExport, type StoppedExport } from './keys/export/stop-export.js';
import { shareRepair } from './keys/repair/share-repair.js';
import { stopRepair, type StoppedRepair } from './keys/repair/stop-repair.js';
import { type KeyRestoration, planRestoration, restoreKey, type RestoreKeyArgs } from './keys/restore-key.js';
import { clearDrills, planClearing, type ServerDrillKeys } from './drills/clear-drills.js';
import {
  type Drill,
  type DrillArgs,
  drillDue,
  drillKey,
  type DrillPlan,
  planDrill,
  scheduleDrills,
} from './drills/drill.js';
import { type DrillRecord, readDrills } from './drills/drill-record.js';
import { checkDue, checkKey, type KeyCheck, scheduleChecks } from './keys/checks/check-key.js';
import { freezeKey, type KeyFreeze, thawKey } from './keys/freezes/freeze-key.js';
import { keepKeyLists } from './life/keep-key-lists.js';
import { giveAlive, tellDue, type ToldAlive } from './life/tell-alive.js';
import { type PreparedFreeze, prepareFreeze } from './life/freeze-paper.js';
import { forgetKey, planForgetting } from './keys/forget-key.js';
import { type AddressOffer, type AddressWish, handOutAddress } from './keys/addresses.js';
import { tellExported } from './keys/export/tell-exported.js';
import { type KeyVerification, type ServerVerdict, verifyKey } from './keys/verify-key.js';
import { cancelChange, type CancelledChange } from './keys/changes/cancel-change.js';
import { carryChange, type ChangedKey } from './keys/changes/carry-change.js';
import { changeKey, type ChangeKeyArgs } from './keys/changes/change-key.js';
import { catchUp } from './keys/changes/catch-up.js';
import { assureHeads } from './keys/heads/assure-head.js';
import { retireBehind } from './keys/changes/retire-behind.js';
import {
  type OpenOrders,
  type OpenOrdersArgs,
  readOpenOrders,
  cancelOrder,
  type CancelledOrder,
} from './keys/changes/open-orders.js';
import type { SeenOrder } from './keys/chain/seen-orders.js';
import { afterSettled } from './keys/changes/after-settled.js';
import { type CancelledSettlement, cancelSettlement } from './keys/forks/cancel-settlement.js';
import type { SettledKey } from './keys/forks/end-fork.js';
import { readOrderedForks } from './keys/forks/order-forks.js';
import type { Fork } from './keys/forks/read-fork.js';
import { planSettlement, type SettlementPlan, type SettlementWish } from './keys/forks/plan-settlement.js';
import { settleKey, type SettleKeyArgs } from './keys/forks/settle-key.js';
import { withoutChange } from './keys/changes/change-errors.js';
import { type ChangePlan, planChange, plannedByWords } from './keys/changes/plan-change.js';
import { type MovedShares, resharing } from './keys/changes/resharing.js';
import { type ChangeRecord, CHANGES, findChange, listChanges } from './keys/chain/change-record.js';
import type { OnProgress } from './progress/progress.js';
import type { DeletedAt } from './csr/delete-shares.js';
import { type DepositRecord, listDepositRecords } from './csr/deposit-record.js';
import type { FoundShares } from './csr/find-shares.js';
import type { DepositSecret } from './csr/deposit-secret.js';
import {
  checkDeposit,
  type CheckedDeposit,
  deleteDeposit,
  type DeleteDepositArgs,
  noteDeposit,
  rotateDeposit,
  type RotateDepositArgs,
  type RotatedDeposit,
} from './csr/rotate-deposit.js';
import {
  assertNotOwners,
  type DepositView,
  planDeposit,
  type PlanDepositArgs,
  planUpgrade,
  storeDeposit,
  type StoreDepositArgs,
  type StoredDeposit,
  upgradeDeposit,
  type UpgradeDepositArgs,
} from './csr/store-deposit.js';
import {
  addServer,
  type AddServerArgs,
  previewServer,
  type PreviewServerArgs,
  type ServerPreview,
} from './introduction/add-server.js';
import { planRemoval, removeServer } from './keys/remove-server.js';
import { type ClockDifference, judgeClocks } from './servers/clock-difference.js';
import { saveLastSeen } from './servers/last-seen.js';
import type { ServerRecord } from './servers/server-record.js';
import { listServerRecords, showServerRecord } from './servers/servers.js';
import {
  noteSeedBackup,
  noteSeedBackupChecked,
  readSeedBackup,
  type SeedBackup,
  type SeedBackupForm,
} from './seed/seed-backup.js';
import { noteSheet } from './keys/sheet-record.js';
import { listTermsNotes, newestKnown } from './terms/change/known-terms.js';
import { prepareOwning } from './terms/change/own-terms.js';
import { prepareTermsChange, type TermsChangePlan } from './terms/change/plan-change.js';
import { carryTerms, type ProposedTerms, proposeTerms } from './terms/change/propose-terms.js';
import { prepareSettling, type SettlingWish } from './terms/change/settle-terms.js';
import { readStandings, type TermsStandings } from './terms/change/standing.js';
import { type StoppedTerms, stopTermsChange } from './terms/change/stop-change.js';
import { type KeyDraft, readDraft, saveDraft } from './terms/drafts/key-draft.js';
import type { WrittenTerms } from './terms/file/terms-file.js';
import { type InvitedPeople, invitedPeople } from './terms/drafts/new-key-terms.js';
import { type PastAnswers, testPast, type TestPastArgs } from './terms/trial/past-requests.js';
import { type TermsAnswer, testOne, type TestTermsArgs } from './terms/trial/test-terms.js';
import type { SessionRecord } from './sessions/session-record.js';
import type { Ceremony } from './sessions/ceremony.js';
import { describeSession, type SessionWords } from './sessions/describe-session.js';
import { abandonSession, ceremonyOf, runSession } from './sessions/run-session.js';
import { findOpenSession, findSession, listSessions, SESSIONS } from './sessions/sessions.js';
import type { RequestRecord } from './requests/request-record.js';
import {
  assertRequestOpen,
  findOpenRequest,
  findRequest,
  listRequests,
  REQUESTS,
  updateRequest,
} from './requests/requests.js';
import { pruneTracks } from './store/track.js';
import { createCommitmentPools } from './signing/commitment-pool.js';
import { createSigner, type GoingOn } from './signing/signer.js';
import type { PreparedRequest, SignArgs, SignResult } from './signing/sign-args.js';
import { diagnose } from './status/doctor.js';
import type { DoctorLine } from './status/doctor-line.js';
import { readStatus, type Status, type StatusOptions } from './status/status.js';
import type { ClientStore } from './store/client-store.js';
import type { OnUnreadable } from './store/record-store.js';
import type { Carrier } from './carrier/carrier.js';

export interface ClientOptions {
  /** An owner seed or a device, or how to get it when it is first needed. The client wipes it when it is closed. */
  readonly seed: SeedSource;
  /**
   * Keeps a device that has learnt of a server (`addServer` with the words), sealed: when it resolves, that survives a power cut. Without it such a
   * server cannot be added.
   */
  readonly keepDevice?: (device: Secret<Uint8Array>) => Promise<void>;
  readonly store: ClientStore;
  /**
   * Is told of stored records that cannot be read: lists go on without them. Without it a list that holds one throws, so
   * that nothing is ever left out in silence.
   */
  readonly onUnreadable?: OnUnreadable;
  /** Default: HTTP, as the platform does it. */
  readonly carrier?: Carrier;
  /** UnixSeconds. */
  readonly clock?: () => number;
  /** Cryptographic; as many bytes as asked for. */
  readonly random?: (length: number) => Uint8Array;
  /** Longest wait for one server. */
  readonly timeoutMs?: number;
  /**
   * Bytes of certificates that a server is shown in one message. Default: half a megabyte; less for servers that take no message as long
   * (`limits.body`).
   */
  readonly chainPageBytes?: number;
  /**
   * How long a server may keep the others of a quorum waiting before one more is asked. Default: a tenth of `timeoutMs`, but a
   * quarter of a second at least and one and a half at most.
   */
  readonly patienceMs?: number;
}

/** What a finished session left: a member for each kind of ceremony. */
export type SessionOutcome = GeneratedKey | ImportedKey | RepairedShare | ChangedKey;

/** Every ceremony that a client carries; another one is one more value here. */
const CEREMONIES: readonly Ceremony<GeneratedKey | ImportedKey | RepairedShare | MovedShares>[] = [
  keyGeneration,
  createKeyImport(null),
  shareRepair,
  resharing,
];

/**
 * An owner's side of everything: makes keys with servers, signs with them, and believes nobody. Whatever a server says
 * is checked against its pinned identity, the certificate of the key, or mathematics.
 */
export interface Client {
  /** Looks who answers at an address. Writes nothing. @param args.name what it is to be called, if that is known */
  previewServer(url: string, args?: PreviewServerArgs): Promise<ServerPreview>;
  addServer(args: AddServerArgs): Promise<ServerRecord>;
  listServers(): Promise<readonly ServerRecord[]>;
  showServer(name: string): Promise<ServerRecord>;
  /** Checks that {@link Client.removeServer} would do. Writes nothing. */
  planRemoval(name: string): Promise<ServerRecord>;
  /** Forgets a server that no key needs. */
  removeServer(name: string): Promise<void>;

  /** Which devices every server knows, and what it has not heard yet. */
  listDevices(): Promise<Devices>;
  /** Says that a person has seen what {@link Client.listDevices} gave: a new device is counted on from then. */
  seeDevices(seen: Pick<Devices, 'lists'>): Promise<void>;
  /** Puts on record which devices every server knows that answers. */
  rememberDevices(): Promise<void>;
  /** Checks that {@link Client.admitFirstDevice} would do. Servers are asked. @param device one that was begun; null: none was */
  planFirstDevice(name: string, device: Secret<Uint8Array> | null): Promise<FirstDevicePlan>;
  /** The device that is to take the place of the words here. Nothing is sent or written. The caller wipes it. */
  draftFirstDevice(before: Secret<Uint8Array> | null): Promise<Secret<Uint8Array>>;
  /** Has every server let that device in, which may do everything but what the words alone may. The device stays the caller's. */
  admitFirstDevice(device: Secret<Uint8Array>, name: string): Promise<readonly ChangedAt[]>;
  /** What {@link Client.inviteApprover} would write; nothing is. */
  planInvitation(args: InviteArgs): Promise<Invitation>;
  /** Writes an invitation for somebody who is to say yes or no to what a key does. Nobody is told. */
  inviteApprover(args: InviteArgs): Promise<Invitation>;
  /** Looks at what an approver answered; nothing is written. @param heard his six words; undefined: people compare */
  planAnswer(text: string, heard?: string): Promise<AnsweredInvitation>;
  /** Takes the answer in: from then on the terms of the key may name him. */
  takeAnswer(text: string, heard?: string): Promise<AnsweredInvitation>;
  /** Whom was invited to a key, or to one that is to be made; null: nobody. */
  readInvited(keyName: string): Promise<InvitedTo | null>;
  /** Checks that {@link Client.addDevice} would do. Servers are asked. */
  planDevice(args: AddDeviceArgs): Promise<DevicePlan>;
  /** Lets a device in whose offer was compared, or goes on with that. */
  addDevice(args: AddDeviceArgs): Promise<AddedDevice>;
  /** Its welcome is handed over: that offer is not taken again. */
  closeOffer(offer: string): Promise<void>;
  /** Puts on record what a welcome says of servers and keys. */
  takeWelcome(welcome: Welcome): Promise<void>;
  planDeviceRemoval(args: RemoveDeviceArgs): Promise<DeviceChangePlan>;
  /** Has every server answer a device no more; those that do not answer are told when they do. */
  removeDevice(args: RemoveDeviceArgs): Promise<ChangedDevice>;
  planDeviceRename(args: RenameDeviceArgs): Promise<DeviceChangePlan>;
  renameDevice(args: RenameDeviceArgs): Promise<ChangedDevice>;

  /** Who brings the owner back at each server, and who of them is no way back. */
  listContacts(): Promise<Contacts>;
  /** Sets a contact at one server, or goes on with one that is not verified. */
  setContact(args: SetContactArgs): Promise<SetContact>;
  verifyContact(args: ContactArgs & { readonly proof: ContactProof }): Promise<ContactAt>;
  /** Has a contact go, or stay. @returns null: it is gone */
  removeContact(args: ContactArgs & { readonly keeps?: boolean }): Promise<ContactAt | null>;
  /** Vouches for somebody whose contact this owner is. Nobody is told. */
  vouch(request: string, person: string): Promise<string>;
  /** Pins a server at which an account is wanted back from this new device, or goes on with that. */
  beginRecovery(args: Omit<AddServerArgs, 'invite' | 'words'>): Promise<Recovery>;
  /** What was begun. */
  openRecovery(server: string): Promise<Recovery>;
  /** What a contact, or the operator in person, is asked to vouch for. */
  requestVoucher(server: string, vouched: 'recovery' | 'veto'): Promise<string>;
  /** Has a code sent, if that is the address of a contact. @returns UnixSeconds: until when one holds */
  requestCode(server: string, address: string): Promise<number>;
  proveContact(args: ProveContactArgs): Promise<CaseView>;
  /** How far a recovery is; null: no contact was shown yet. */
  showRecovery(server: string): Promise<CaseView | null>;
  /** Takes the place of every device of the account. @param name what this device is called */
  finishRecovery(server: string, name: string): Promise<void>;
  /** Who wants accounts of this owner. */
  listCases(): Promise<{ readonly cases: readonly CaseAt[]; readonly silent: readonly SilentServer[] }>;
  /** Says no to a recovery. */
  vetoCase(server: string, caseId: Uint8Array, words?: Secret<Uint8Array>): Promise<CaseAt>;

  planKey(args: CreateKeyArgs): Promise<KeyPlan>;
  /** Puts on record what a key shall be that waits for the people of its terms. The key is made with `createKey`, which takes the record away. */
  draftKey(draft: Omit<KeyDraft, 'createdAt'>): Promise<KeyDraft>;
  /** Null: no key of that name waits. */
  showDraft(name: string): Promise<KeyDraft | null>;
  /** Who of the approvers in some terms has answered an invitation to a key of that name, which may be yet to be made. */
  invitedPeople(name: string, terms: WrittenTerms): Promise<InvitedPeople>;
  createKey(args: CreateKeyArgs, on?: OnProgress): Promise<CertifiedKey>;
  /** Checks that {@link Client.importKey} would do. Nothing is sent or written. */
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
  verifyKey(name: string, on?: OnProgress): Promise<KeyVerification>;
  /**
   * Has every server of a key prove that it holds its share, and puts the outcome on record. The key is used for nothing.
   * @param silent servers that are known to hang: nobody waits for them once more
   */
  checkKey(name: string, silent?: readonly string[]): Promise<KeyCheck>;
  /** When a key is to be checked next. @returns UnixSeconds; null: never */
  checkDue(name: string): Promise<number | null>;
  /** How often a key is to be checked. @param everySeconds null: never @returns when it is due then */
  scheduleChecks(name: string, everySeconds: number | null): Promise<number | null>;
  /** What a drill will ask of whom. Nothing is sent or written. @throws StateError `DRILL_IMPOSSIBLE` */
  planDrill(args: DrillArgs): Promise<DrillPlan>;
  /** Rehearses with a key made for it that a server which lost its share gets it back and signs, or goes on with that. */
  drillKey(args: DrillArgs, on?: OnProgress): Promise<Drill>;
  /** How many keys of drills every server holds for this owner, whichever client made them. */
  planClearing(): Promise<readonly ServerDrillKeys[]>;
  /** Has every server forget them, but for those of drills that go on here. */
  clearDrills(): Promise<readonly ServerDrillKeys[]>;
  /** When the next drill of a key is due. @returns UnixSeconds; null: never */
  drillDue(name: string): Promise<number | null>;
  /** How often a key is to be drilled. @param everySeconds null: never @returns when it is due then */
  scheduleDrills(name: string, everySeconds: number | null): Promise<number | null>;
  /** What is on record of the drills of a key. */
  pastDrills(name: string): Promise<DrillRecord>;
  /**
   * Has every server of a key do nothing with it for a while; said again it is the same freeze.
   * @param seconds at most seven days; null: as long as a freeze on record, or else 72 hours
   */
  freezeKey(name: string, seconds: number | null): Promise<KeyFreeze>;
  prepareFreeze(name: string): Promise<PreparedFreeze>;
  /** @param name of a key that has heirs; absent: all of them */
  alive(name?: string): Promise<readonly ToldAlive[]>;
  /** Asks the operators of a key that is frozen to end that. */
  thawKey(name: string): Promise<KeyFreeze>;
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
  /** Checks that {@link Client.renameKey} would do. Writes nothing. */
  planRename(name: string, wanted: string): Promise<KeyRecord>;
  renameKey(name: string, wanted: string): Promise<KeyRecord>;
  /** Checks that {@link Client.forgetKey} would do. Writes nothing. */
  planForgetting(name: string): Promise<KeyRecord>;
  /** Takes a key off the records here; its servers keep their shares, and it can be fetched again. */
  forgetKey(name: string): Promise<void>;
  /** Names of the servers that {@link Client.restoreKey} would ask. Nothing is sent. */
  planRestoration(args: RestoreKeyArgs): Promise<readonly string[]>;
  /** What a change of the servers of a key, or new shares for the same ones, will ask of whom. Nothing is sent. */
  planChange(args: ChangeKeyArgs): Promise<ChangePlan>;
  /**
   * Carries a change out, or goes on with it. The public key stays the same.
   * @throws StateError `CHANGE_PLAN_DIFFERS` where other servers or quorums would come of it than of the plan that was shown
   */
  changeKey(args: ChangeKeyArgs, on?: OnProgress): Promise<ChangedKey>;
  /** Changes of keys that are on record, oldest first. They are gone on with, and cancelled, like sessions. */
  listChanges(): Promise<readonly ChangeRecord[]>;
  /** The open one whose id, or the id of whose session, begins so; null: none. */
  findChange(id: string): Promise<ChangeRecord | null>;
  /** Takes a change back that is not decided. @throws StateError `SESSION_OVER` */
  cancelChange(change: ChangeRecord, reason: string): Promise<CancelledChange>;
  /** Orders about who holds a key next that servers say wait there, whichever client of the owner gave them. */
  openOrders(args?: OpenOrdersArgs): Promise<OpenOrders>;
  /** Takes such an order back at every server that can be reached. */
  cancelOrder(order: SeenOrder): Promise<CancelledOrder>;
  /** Certificates of one epoch of a key that contradict each other, as its servers show them: of the fork that is to be settled first; null: none. */
  showFork(name: string): Promise<Fork | null>;
  /** Which of them would count. Servers are asked; nothing is ordered or written. @throws StateError `KEY_NOT_FORKED` */
  planSettlement(args: SettlementWish): Promise<SettlementPlan>;
  /** Has the servers of a key settle which of them counts, or goes on with that. The public key stays the same. */
  settleKey(args: SettleKeyArgs, on?: OnProgress): Promise<SettledKey>;
  /** Takes such an order back at every server, whichever client of the owner gave it. */
  cancelSettlement(name: string): Promise<CancelledSettlement>;
  /** Has every server of a key that lost its share recover it from the certificate. */
  restoreKey(args: RestoreKeyArgs, on?: OnProgress): Promise<KeyRestoration>;
  /**
   * Who would be asked to give a server its lost share back. Others are asked whether they can help; nothing is written.
   * @param options `follows`: where nothing comes of it because servers settled on another certificate than the one on record, that is taken over first, and written
   */
  planRepair(args: RepairKeyArgs, options?: { readonly follows?: boolean }): Promise<RepairPlan>;
  /** Has a server that lost its share of a key get it back: from the certificate if it can, else from a quorum of the others. */
  repairKey(args: RepairKeyArgs, on?: OnProgress): Promise<KeyRepair>;
  /** Stops every repair of a server's share, whichever device began it. */
  stopRepair(args: Pick<RepairKeyArgs, 'name' | 'server'>): Promise<StoppedRepair>;
  /** What taking a key out of its servers would ask of whom. @throws UsageError `KEY_NOT_EXPORTABLE` */
  planExport(name: string): Promise<ExportPlan>;
  /** Asks every server of a key to give its share out, or goes on with that: called again until the key is here. */
  exportKey(name: string, on?: OnProgress): Promise<KeyExport>;
  /** Takes what an export was sealed to off the records, once what came of it is kept elsewhere. */
  closeExport(name: string): Promise<void>;
  /** Stops every export of a key, whichever device began it. */
  stopExport(name: string): Promise<StoppedExport>;

  /** Reads and describes a request, which can then be asked for as it was shown. Nothing is sent or written. */
  prepare(args: SignArgs): Promise<PreparedRequest>;
  /** The same for a request on record that is open: `sign` goes on with it. @throws StateError `REQUEST_OVER` */
  prepareAgain(id: string, options?: GoingOn): Promise<PreparedRequest>;
  /** Prepares and asks at once, where nobody is there to be shown anything. */
  sign(args: SignArgs, on?: OnProgress): Promise<SignResult>;

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

  /** Signatures that were asked for and are on record. */
  listRequests(): Promise<readonly RequestRecord[]>;
  /** @param id the first digits of its id */
  showRequest(id: string): Promise<RequestRecord>;
  /** One that goes on. @param id the first digits of its id @throws StateError `REQUEST_OVER` */
  showOpenRequest(id: string): Promise<RequestRecord>;
  /** Tells every server that nobody wants it any more. @throws StateError `REQUEST_OVER` */
  cancelRequest(id: string, reason: string): Promise<RequestRecord>;

  /** Ceremonies that are on record. */
  listSessions(): Promise<readonly SessionRecord[]>;
  /** @param id the first digits of its id */
  showSession(id: string): Promise<SessionRecord>;
  /** One that goes on. @param id the first digits of its id @throws StateError `SESSION_OVER` */
  showOpenSession(id: string): Promise<SessionRecord>;
  /** What a person reads of a session: its title, as in "making treasury", and its details line by line. */
  describeSession(session: SessionRecord): SessionWords;
  resumeSession(id: string, on?: OnProgress): Promise<SessionOutcome>;
  /**
   * @param options.forget the name of a key that some of its servers hold already; without it such a ceremony stays
   * @throws StateError `KEY_HELD`, `SESSION_OVER`
   */
  cancelSession(id: string, reason: string, options?: { readonly forget?: string }): Promise<SessionRecord>;

  /** Shares at servers that are on record here. */
  listDeposits(): Promise<readonly DepositRecord[]>;
  /** Where shares would go. Nobody is asked. */
  planDeposit(args: PlanDepositArgs): Promise<DepositView>;
  /** Shares a secret out among servers, or goes on with that. */
  storeDeposit(args: StoreDepositArgs): Promise<StoredDeposit>;
  /** Which two servers more would get a share. Nobody is asked. */
  planUpgrade(args: Pick<UpgradeDepositArgs, 'secret' | 'servers'>): Promise<DepositView>;
  /** Gives two servers more a share; the others are not asked. */
  upgradeDeposit(args: UpgradeDepositArgs): Promise<StoredDeposit>;
  /** Whether shares still bring back what they keep. */
  checkDeposit(secret: DepositSecret): Promise<CheckedDeposit>;
  /** Puts on record where shares lie that were found. */
  noteDeposit(secret: DepositSecret, found: Omit<FoundShares, 'kept'>): Promise<void>;
  /** Shares the same out anew under another secret, and deletes the old shares when all new ones are stored. */
  rotateDeposit(args: RotateDepositArgs): Promise<RotatedDeposit>;
  /** Has every server keep nothing any more under a secret. */
  deleteDeposit(args: DeleteDepositArgs): Promise<readonly DeletedAt[]>;

  /** When the seed was last shown to its owner, or typed in, and when a backup was last tried. @returns null: never here */
  seedBackup(): Promise<SeedBackup | null>;
  /** Puts on record that it is shown, or typed in, now. @param isTyped then it is tried, too */
  noteSeedBackup(shown: { readonly form: SeedBackupForm; readonly isTyped: boolean }): Promise<void>;
  /** Puts on record that a backup was tried now, and brings this seed back. */
  noteSeedBackupChecked(form: SeedBackupForm): Promise<void>;
  /** Puts on record that a recovery sheet of all keys is made now. */
  noteSheet(): Promise<void>;

  /** What servers have said of their clocks since this client was made, when they are too far from ours. */
  clockDifference(): ClockDifference | null;
  status(options?: StatusOptions): Promise<Status>;
  /** @param version of the program that asks; servers of another one are pointed out */
  diagnose(version?: string): Promise<readonly DoctorLine[]>;
  /** Puts unused commitments away and wipes every secret. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 15_000;

function patienceFor(timeoutMs: number): number {
  return Math.min(Math.max(timeoutMs / 10, 250), 1_500);
}

export function createClient(options: ClientOptions): Client {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const context = createContext(
    {
      carrier: options.carrier ?? platformCarrier,
      clock: options.clock ?? (() => Math.floor(Date.now() / 1000)),
      random: options.random ?? ((length) => crypto.getRandomValues(new Uint8Array(length))),
      timeoutMs,
      patienceMs: options.patienceMs ?? patienceFor(timeoutMs),
      keepDevice: options.keepDevice ?? (() => Promise.reject(notKept())),
      ...(options.chainPageBytes === undefined ? {} : { chainPageBytes: options.chainPageBytes }),
    },
    options.store,
    options.seed,
    options.onUnreadable,
  );
  const { store } = context;
  const readKey = createKeyReader(store);
  const pools = createCommitmentPools(store);
  const signer = createSigner(context, readKey, pools);
  const silent: OnProgress = () => undefined;
  let hasActed = false;
  let hasLooked = false;
  const acting = <T>(work: Promise<T>): Promise<T> => {
    hasActed = true;
    return work;
  };
  const shown = (prepared: PreparedRequest): PreparedRequest => ({
    ...prepared,
    sign: (on, options) => acting(prepared.sign(on, options)),
  });
  const prepare = async (args: SignArgs) => shown(await signer.prepare(args));

  return {
    previewServer: (url, args) => previewServer(context, url, args),
    addServer: async (args) => {
      const record = await addServer(context, args);
      signer.forgetServers();
      return record;
    },
    listServers: () => listServerRecords(store),
    showServer: (name) => showServerRecord(store, name),
    planRemoval: (name) => planRemoval(store, name),
    removeServer: async (name) => {
      await removeServer(store, name);
      signer.forgetServers();
    },

    listContacts: () => listContacts(context),
    setContact: (args) => setContact(context, args),
    verifyContact: (args) => verifyContact(context, args),
    removeContact: (args) => removeContact(context, args),
    vouch: (request, person) => vouch(context, request, person),
    beginRecovery: (args) => beginRecovery(context, args),
    openRecovery: (server) => openRecovery(context, server),
    requestVoucher: (server, vouched) => requestVoucher(context, server, vouched),
    requestCode: (server, address) => requestCode(context, server, address),
    proveContact: (args) => proveContact(context, args),
    showRecovery: (server) => showRecovery(context, server),
    finishRecovery: (server, name) => finishRecovery(context, server, name),
    listCases: () => listCases(context),
    vetoCase: (server, caseId, words) => vetoCase(context, server, caseId, words),
    listDevices: () => listDevices(context),
    seeDevices: ({ lists }) => acting(seeDevices(context, lists)),
    rememberDevices: () => rememberDevices(context),
    planFirstDevice: (name, device) => planFirstDevice(context, name, device),
    draftFirstDevice: (before) => draftFirstDevice(context, before),
    admitFirstDevice: (device, name) => admitFirstDevice(context, device, name),
    planInvitation: (args) => planInvitation(context, args),
    inviteApprover: (args) => inviteApprover(context, args),
    planAnswer: (text, heard) => planAnswer(context, text, heard),
    takeAnswer: (text, heard) => takeAnswer(context, text, heard),
    readInvited: (keyName) => readInvited(store, keyName),
    planDevice: (args) => planDevice(context, args),
    addDevice: (args) => addDevice(context, args),
    closeOffer: (offer) => closeOffer(context, offer),
    takeWelcome: async (welcome) => {
      await takeWelcome(context, welcome);
      signer.forgetServers();
    },
    planDeviceRemoval: (args) => planDeviceRemoval(context, args),
    removeDevice: (args) => removeDevice(context, args),
    planDeviceRename: (args) => planDeviceRename(context, args),
    renameDevice: (args) => renameDevice(context, args),

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
    verifyKey: async (name, on = silent) => {
      const key = await readKey(name);
      const verified = await verifyKey(context, key, on);
      await tellExported(context, key);
      // One that joined and did not see how it ended has nothing of the key yet.
      const hasChanged = key.newest.params.epoch > 0;
      const isBehind = ({ verdict }: ServerVerdict) =>
        verdict === 'behind' || verdict === 'forked' || (hasChanged && verdict === 'lost');
      if (!verified.servers.some(isBehind) || !(await catchUp(context, key))) return verified;
      return verifyKey(context, await readKey(name), on);
    },
    checkKey: (name, silent) => acting(checkKey(context, readKey, name, silent)),
    checkDue: async (name) => checkDue(context, await readKey(name)),
    scheduleChecks: async (name, everySeconds) => scheduleChecks(context, await readKey(name), everySeconds),
    planDrill: (args) => planDrill(context, readKey, args),
    drillKey: (args, on = silent) => acting(drillKey(context, readKey, args, on)),
    planClearing: () => planClearing(context),
    clearDrills: () => acting(clearDrills(context)),
    drillDue: async (name) => drillDue(context, await readKey(name)),
    scheduleDrills: async (name, everySeconds) => scheduleDrills(context, await readKey(name), everySeconds),
    pastDrills: async (name) => readDrills(store, (await readKey(name)).keyId),
    alive: (name) => giveAlive(context, readKey, name),
    prepareFreeze: (name) => prepareFreeze(context, readKey, name),
    freezeKey: (name, seconds) => acting(freezeKey(context, readKey, name, seconds)),
    thawKey: (name) => acting(thawKey(context, readKey, name)),
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
    planRestoration: async ({ name, servers }) =>
      namesOf(await planRestoration(context, await readKey(name), servers)),
    planChange: async ({ name, wish, byWords = false }) => {
      const key = await readKey(name);
      const plan = await planChange(context, key, wish);
      return byWords ? plannedByWords(context, key, plan) : plan;
    },
    changeKey: async (args, on = silent) => {
      const changed = await acting(
        afterSettled(context, readKey, args.name, () => changeKey(context, readKey, args, on)),
      );
      signer.forgetServers();
      return changed;
    },
    listChanges: () => listChanges(store),
    findChange: (id) => findChange(store, id),
    cancelChange: async (change, reason) => acting(cancelChange(context, change, parseReason(reason))),
    openOrders: (args) => readOpenOrders(context, args),
    cancelOrder: (order) => acting(cancelOrder(context, order)),
    showFork: async (name) => (await readOrderedForks(context, await readKey(name)))[0]?.fork ?? null,
    planSettlement: async (args) => planSettlement(context, await readKey(args.name), args),
    settleKey: async (args, on = silent) => {
      const settled = await acting(settleKey(context, readKey, args, on));
      signer.forgetServers();
      return settled;
    },
    cancelSettlement: async (name) => acting(cancelSettlement(context, await readKey(name))),
    restoreKey: async (args, on = silent) => {
      const key = await readKey(args.name);
      const restoration = await restoreKey(context, key, args, on);
      // The others say how far the key is, while they are there: without that nothing that came back is used.
      const isBack = restoration.servers.some(({ outcome }) => outcome === 'restored');
      if (isBack) await assureHeads(context, key);
      signer.forgetServers();
      return restoration;
    },
    planRepair: (args, { follows = false } = {}) => {
      const plan = async () => planRepair(context, await readKey(args.name), args);
      return follows ? afterSettled(context, readKey, args.name, plan) : plan();
    },
    repairKey: async (args, on = silent) => {
      const repair = await acting(
        afterSettled(context, readKey, args.name, async () =>
          repairKey(context, await readKey(args.name), args, on),
        ),
      );
      signer.forgetServers();
      return repair;
    },
    stopRepair: (args) => stopRepair(context, readKey, args),
    planExport: async (name) => planExport(context, await readKey(name)),
    exportKey: (name, on = silent) =>
      acting(afterSettled(context, readKey, name, async () => exportKey(context, await readKey(name), on))),
    closeExport: async (name) => acting(closeExport(context, await readKey(name))),
    stopExport: async (name) => acting(stopExport(context, await readKey(name))),

    prepare,
    prepareAgain: async (id, options) =>
      shown(await signer.prepareAgain(await findOpenRequest(store, id), options)),
    sign: async (args, on) => (await prepare(args)).sign(on),

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

    listRequests: () => listRequests(store),
    showRequest: (id) => findRequest(store, id),
    showOpenRequest: (id) => findOpenRequest(store, id),
    cancelRequest: async (id, reason) => {
      const request = await findOpenRequest(store, id);
      const over = { state: 'cancelled', reason: parseReason(reason) } as const;
      await acting(signer.cancel(request, reason));
      await updateRequest(store, request.requestId, (now) => {
        // Another process may have got its signature while servers were told.
        if (now !== null) assertRequestOpen(now);
        return { ...(now ?? request), ...over };
      });
      return { ...request, ...over };
    },

    listSessions: () => listSessions(store),
    showSession: (id) => findSession(store, id),
    showOpenSession: (id) => findOpenSession(store, id),
    describeSession: (session) => describeSession(CEREMONIES, session),
    resumeSession: async (id, on = silent) => {
      const change = await findChange(store, id);
      if (change !== null) return acting(carryChange(context, change, on));
      const session = await findOpenSession(store, id);
      const outcome = await acting(runSession(context, ceremonyOf(CEREMONIES, session), session, on));
      if (outcome.kind === 'reshare') throw withoutChange(session);
      return outcome;
    },
    cancelSession: async (id, reason, { forget: named = null } = {}) => {
      const session = await findOpenSession(store, id);
      const how = { reason: parseReason(reason), named };
      return acting(abandonSession(context, ceremonyOf(CEREMONIES, session), session, how));
    },

    listDeposits: () => listDepositRecords(store),
    planDeposit: (args) => planDeposit(context, args),
    storeDeposit: (args) => store.exclusive('csr', () => storeDeposit(context, args)),
    planUpgrade: (args) => planUpgrade(context, args),
    upgradeDeposit: (args) => store.exclusive('csr', () => upgradeDeposit(context, args)),
    checkDeposit: async (secret) => {
      await assertNotOwners(context, secret, null);
      return store.exclusive('csr', () => checkDeposit(context, secret));
    },
    noteDeposit: (secret, found) => noteDeposit(context, secret, found),
    rotateDeposit: (args) => store.exclusive('csr', () => rotateDeposit(context, args)),
    deleteDeposit: (args) => store.exclusive('csr', () => deleteDeposit(context, args)),

    seedBackup: () => readSeedBackup(store),
    noteSeedBackup: (shown) => noteSeedBackup(store, shown, context.clock()),
    noteSeedBackupChecked: (form) => noteSeedBackupChecked(store, form, context.clock()),
    noteSheet: () => noteSheet(context),

    clockDifference: () => judgeClocks(context.clockOffsets()),
    status: (options = {}) => {
      hasLooked ||= options.isRemembered === true;
      return readStatus(context, (session) => describeSession(CEREMONIES, session).title, options);
    },
    diagnose: (version) => diagnose(context, readKey, version),
    close: async () => {
      try {
        await signer.settle();
        await pools.close();
        // Read-only clients never write to the store.
        if (hasActed)
          for (const folder of [SESSIONS, REQUESTS, CHANGES])
            await pruneTracks(store, folder, context.clock());
        // What it is good for is worth no failure of what was done.
        if (hasActed || hasLooked) {
          await saveLastSeen(store, context.answered).catch(() => undefined);
          await sendUnsent(context).catch(() => undefined);
          await keepKeyLists(context).catch(() => undefined);
          await tellDue(context).catch(() => undefined);
        }
      } finally {
        context.close();
      }
    },
  };
}

function notKept(): UsageError {
  return new UsageError('a device that learns of a server has to be kept somewhere', {
    code: 'DEVICE_NOT_KEPT',
    hint: 'make the client with keepDevice',
  });
}

/** @throws UsageError `REASON_INVALID` */
function parseReason(reason: string): string {
  if (reason.length <= 280) return reason;
  throw new UsageError('a reason has at most 280 characters', {
    code: 'REASON_INVALID',
    hint: 'say it shorter',
  });
}
