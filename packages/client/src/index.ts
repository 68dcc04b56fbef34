export { CLIENT_CODES, type ClientCode } from './codes.js';
// client
export { type Client, type ClientOptions, createClient, type SessionOutcome } from './client.js';
export { type OwnerOrSeed, type OwnerSecrets, secretOf, type SeedSource } from './owner/owner.js';
export { type Job, JOB_STEPS, type SteppedJob } from './progress/job-steps.js';
export type { OnProgress, PeopleWait, ProgressEvent } from './progress/progress.js';
// seed
export { replaceWord, SEED_BYTES, SEED_WORDS, seedToWords, unknownWord, wordsToSeed } from './seed/words.js';
export { identityForServer } from './seed/identity.js';
export { seedToUr, urToSeed } from './seed/ur.js';
export type { SeedBackup, SeedBackupForm } from './seed/seed-backup.js';
export {
  createShareSet,
  type MissingShares,
  type SeedShare,
  type SharePlace,
  type ShareSet,
  splitSeed,
} from './seed/shares.js';
// shares at servers
export { type DepositSecret, depositId, drawDepositSecret } from './csr/deposit-secret.js';
export type { DepositPlace, KeptKind } from './csr/deposit-envelope.js';
export { type DepositRecord, isStored } from './csr/deposit-record.js';
export type { DeletedAt } from './csr/delete-shares.js';
export type { FoundShares, ShareAt } from './csr/find-shares.js';
export { keptInTexts, keptToText, keptToUr } from './csr/kept-text.js';
export { type RecoverArgs, type RecoverOptions, recoverShares } from './csr/recover-shares.js';
export type { CheckedDeposit, RotateDepositArgs, RotatedDeposit } from './csr/rotate-deposit.js';
export type {
  DepositView,
  PlanDepositArgs,
  StoreDepositArgs,
  StoredDeposit,
  UpgradeDepositArgs,
} from './csr/store-deposit.js';
export type { StoredAt } from './csr/store-shares.js';
// ways back
export type { AloneContact, ContactAt } from './contacts/alone.js';
export type { ContactArgs, Contacts, SetContact, SetContactArgs } from './contacts/contacts.js';
export { MOST_VOUCH_CHARACTERS, readVoucher, readVouchRequest } from './contacts/papers.js';
export { planVoucher, type VouchView } from './contacts/vouch.js';
export type { CaseAt } from './recovery/cases.js';
export type { ProveContactArgs, Recovery } from './recovery/recover.js';
// devices
export type { AddDeviceArgs, AddedDevice, DevicePlan } from './devices/add-device.js';
export type {
  ChangedDevice,
  DeviceChangePlan,
  RemoveDeviceArgs,
  RenameDeviceArgs,
} from './devices/change-device.js';
export type { FirstDevicePlan } from './devices/first-device.js';
export type {
  DeviceAt,
  Devices,
  DeviceView,
  ListAt,
  SilentServer,
  UnsentText,
} from './devices/list-devices.js';
export type { ChangedAt } from './devices/lists/change-lists.js';
export {
  assertDeviceLikeness,
  type DeviceOffer,
  makeDeviceOffer,
  MOST_OFFER_CHARACTERS,
  OFFER_SECONDS,
  parseDeviceOffer,
} from './devices/offer.js';
export {
  joinedDevice,
  MOST_WELCOME_CHARACTERS,
  openWelcome,
  type Welcome,
  type WelcomeServer,
  wipeWelcome,
} from './devices/welcome.js';
export { draftDevice, isAccountOf, isDevice, MOST_DEVICE_BYTES } from './owner/device-secrets.js';
export type { DevicePrivilege } from '@ckm/api';
// approvers
export { waitsText } from './signing/people.js';
export type { GoingOn } from './signing/signer.js';
export {
  type Approver,
  type ApproverOptions,
  createApprover,
  type Joined,
  type LookOptions,
  type Waiting,
} from './approver/approver.js';
export type { ApproverKey } from './approver/approver-key.js';
export type { LeftOut } from './approver/contents.js';
export type { SilentHere } from './approver/ask-servers.js';
export type { LookedAt, MatterView } from './approver/look.js';
export type { Said, Verdict } from './approver/said.js';
export { assertMayBeSaid, type VoteGiven } from './approver/vote.js';
export type { KeySilence, SilenceAt } from './heirs/ask.js';
export { createHeir, type Heir, type InheritedKey } from './heir.js';
export type { AnsweredInvitation, Invitation, InviteArgs } from './invitations/invite.js';
export { answeredApprovers, type InvitedPerson, type InvitedTo } from './invitations/invited.js';
// servers
export type { AddServerArgs, PreviewServerArgs, ServerPreview } from './introduction/add-server.js';
export type { ServerRecord } from './servers/server-record.js';
export { parseName } from './store/names.js';
// keys
export type { CreateKeyArgs, KeyPlan, KeyPurpose } from './keys/generation/plan-key.js';
export type { ImportKeyArgs, ImportPlan } from './keys/import/import-key.js';
export type { ImportedKey } from './keys/import/key-import.js';
export { KEY_FORMATS, type KeyFormat, type KeyMaterial } from './keys/import/material/key-material.js';
export { isLockedKeyFile, unlockKeyFile } from './keys/import/material/openssh-lock.js';
export { type MaterialOptions, readMaterial } from './keys/import/material/read-material.js';
export { likenessDiffers } from './keys/compare-key.js';
export { type AddressOffer, type AddressWish, offerAddress } from './keys/addresses.js';
export {
  type CertifiedKey,
  type HandedOut,
  type KeyComparison,
  type KeyRecord,
  remedyFor,
  type SignedSpending,
} from './keys/key-record.js';
export type {
  FetchedKey,
  FetchedKeys,
  HolderComplaint,
  HolderVerdict,
  KeyHolder,
} from './keys/fetch/fetched-key.js';
export type { ExpectedKey } from './keys/fetch/expected-keys.js';
export type { KeepKeyArgs, KeptKey } from './keys/fetch/keep-key.js';
export type { Unpromised } from './keys/fetch/collect-promises.js';
export type { RepairedShare } from './keys/repair/conclude-repair.js';
export { type EndOfChanges, repairEndsChanges } from './keys/repair/end-of-changes.js';
export type { KeyRepair, RepairKeyArgs, RepairPlan } from './keys/repair/repair-key.js';
export type { StoppedRepair } from './keys/repair/stop-repair.js';
export type { ExportAt, ExportPlan, KeyExport } from './keys/export/export-key.js';
export type { ExportState } from './keys/export/hear-export.js';
export type { ExportKnown } from './keys/export/tell-exported.js';
export type { ExportStatus } from './status/exports.js';
export type { StoppedExport } from './keys/export/stop-export.js';
export type { KeyRestoration, RestoreKeyArgs, ServerRestoration } from './keys/restore-key.js';
export type { CancelledChange } from './keys/changes/cancel-change.js';
export type { ChangedKey } from './keys/changes/carry-change.js';
export type { ChangeKeyArgs } from './keys/changes/change-key.js';
export { type Forgetting, isGone } from './keys/forgetting.js';
export type {
  ChangeKind,
  ChangePlan,
  ChangeRules,
  ChangeWish,
  OrderByWords,
} from './keys/changes/plan-change.js';
export type { OpenOrders, OpenOrdersArgs, CancelledOrder } from './keys/changes/open-orders.js';
export type { Membership, SeenMember, SeenOrder } from './keys/chain/seen-orders.js';
export type { CancelledSettlement } from './keys/forks/cancel-settlement.js';
export type { SettledKey } from './keys/forks/end-fork.js';
export type { Fork, ForkChoice, SeenSettlement } from './keys/forks/read-fork.js';
export type { SettlementPlan, SettlementWish } from './keys/forks/plan-settlement.js';
export type { SettleKeyArgs } from './keys/forks/settle-key.js';
export { changeIdOf, type ChangeRecord, titleOfChange } from './keys/chain/change-record.js';
export type { ServerDrillKeys } from './drills/clear-drills.js';
export type { Drill, DrillArgs, DrillPlan } from './drills/drill.js';
export {
  type DrillRecord,
  DRILL_EVERY_SECONDS,
  type DrillWay,
  type OpenDrill,
  type PastDrill,
} from './drills/drill-record.js';
export type { KeyCheck, ServerCheck } from './keys/checks/check-key.js';
export { CHECK_EVERY_SECONDS, type CheckVerdict } from './keys/checks/check-record.js';
export type { ServerFreeze } from './keys/freezes/ask-freeze.js';
export type { BoundFreeze, ForkFreeze, KeyFreeze } from './keys/freezes/freeze-key.js';
export type { AccountFreezeAt, AccountFreezes } from './life/freeze-account.js';
export { MOST_FREEZE_SECONDS } from './keys/freezes/freeze-record.js';
export { MOST_FREEZE_PAPER_CHARACTERS, parseFreezePaper } from '@ckm/api';
export { type CarriedFreezePaper, type CarriedTo, carryFreezePaper } from './life/carry-freeze.js';
export type { PreparedFreeze } from './life/freeze-paper.js';
export type { HeardAt, ToldAlive } from './life/tell-alive.js';
export type { KeyVerification, ServerVerdict } from './keys/verify-key.js';
// deriving
export type { DeriveArgs, Derived, PreparedDerivation } from './deriving/derive.js';
// signing
export type { SignArgs, PreparedRequest, SignResult } from './signing/sign-args.js';
// terms
export type { TermsChangePlan } from './terms/change/plan-change.js';
export type { ProposedAt, ProposedTerms } from './terms/change/propose-terms.js';
export type { TermsAt, TermsStandings, WaitingChange } from './terms/change/standing.js';
export type { SettlingWish } from './terms/change/settle-terms.js';
export type { StoppedTerms } from './terms/change/stop-change.js';
export type { KnownTerms } from './terms/change/terms-graph.js';
export { draftTerms } from './terms/file/certified-terms.js';
export { MOST_TERMS_FILE_BYTES, readTermsFile, type WrittenTerms } from './terms/file/terms-file.js';
export { writeTermsFile } from './terms/file/write-terms-file.js';
export { draftedTerms, type KeyDraft } from './terms/drafts/key-draft.js';
export type { InvitedPeople } from './terms/drafts/new-key-terms.js';
export type { PastAnswer, PastAnswers, TestPastArgs } from './terms/trial/past-requests.js';
export type { RuleAnswer, RuleFit, TermsAnswer, TestTermsArgs } from './terms/trial/test-terms.js';
// requests
export type { Destination, RequestRecord } from './requests/request-record.js';
// messages
export { message, type MessageOptions, verifyMessage } from './messages/message.js';
// What goes in and comes out, so that one import is enough.
export {
  CkmError,
  decodeHex,
  encodeHex,
  encodeUtf8,
  type ErrorClass,
  type Remedy,
  reveal,
  type Secret,
  secret,
  wipe,
} from '@ckm/foundation';
export type { Likeness } from '@ckm/gordian';
export type { KeyPolicy } from '@ckm/api';
export {
  buildBitcoinRequest,
  buildGitRequest,
  buildSshSigRequest,
  type Description,
  requestKind,
  verifySignature,
} from '@ckm/requests';
// sessions
export type { GeneratedKey } from './keys/generation/conclude.js';
export type { SessionRecord } from './sessions/session-record.js';
export type { SessionWords } from './sessions/describe-session.js';
export { shortId, type Track, type TrackState } from './store/track.js';
// status
export { type ClockDifference, formatOffset } from './servers/clock-difference.js';
export type { DoctorLine } from './status/doctor-line.js';
export type { ServerProblem, ServerStatus, Status, StatusOptions } from './status/status.js';
export {
  areAllThatAnswer,
  type DecidedEpoch,
  isStoppedByFreeze,
  mayLetOthersIn,
  maySignElsewhere,
  type KeyStatus,
} from './status/key-status.js';
export { changersNeeded, formatMargin, type Margin } from './status/margins.js';
// store
export type { ClientStore } from './store/client-store.js';
export type { OnUnreadable, UnreadableRecord } from './store/record-store.js';
export { indexedDbStore } from './store/indexed-db-store.js';
export { memoryStore } from './store/memory-store.js';
// carriers
export { platformCarrier } from '#carrier';
export type { Carried, Carrier, Delivery } from './carrier/carrier.js';
export { httpCarrier } from './carrier/http-carrier.js';
export { fetchSend, timedOut, unreachable } from './carrier/fetch-send.js';
export {
  MAX_REPLY_BYTES,
  parseServerUrl,
  type HttpSend,
  type HttpReply,
  type HttpRequest,
} from './carrier/http-send.js';
