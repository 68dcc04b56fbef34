import { equalBytes, PeerFaultError, reveal, type Secret, secret, UsageError } from '@ckm/foundation';
import type { Agreement, SecretScalar } from '../../group/group.js';
import { taggedHash } from '../../hash/index.js';
import { signCocktail } from '../../key/cocktail/signature.js';
import { cocktailSuite } from '../../key/cocktail/suite.js';
import { verifyRoster, wrongSignatures } from '../../key/roster.js';
import { assertSeed } from '../../key/static-key.js';
import { hashTranscript } from '../../key/transcript-hash.js';
import type { Fault, Incoming, PartyIndex, Step } from '../../protocol/contract.js';
import { sortInbox } from '../../protocol/inbox.js';
import { staticPointsOf } from '../dkg/dealing.js';
import { receiveShares } from '../dkg/receive-shares.js';
import { encodeImportDeal, type ImportDeal } from './deal.js';
import { type ImportMessage, importMessageCodec, isImportMessage } from './messages.js';
import type { ImportOutput } from './output.js';
import { type ImportResult, importResult } from './session.js';
import type { ImportState } from './state.js';

/** What one server starts with. */
export interface ImportParams {
  readonly deal: ImportDeal;
  readonly me: PartyIndex;
  /** d, the discrete logarithm of my static key. */
  readonly staticSecret: Secret<Uint8Array>;
}

/**
 * Checks the roster and the dealing, takes this server's share out of it, and signs what it saw. The state that comes out must
 * be durable before the signature is sent.
 * @param seed 32 fresh bytes
 * @returns aborted with `FAULT_ROSTER` naming slots; or with a fault of the dealer, which names no slot: `FAULT_…` everybody
 * can see, `SUSPECT_SHARE` this server alone
 * @throws EncodingError as `encodeImportDeal` · UsageError `SEED_INVALID`, `PARTY_MISSING`, `STATIC_SECRET_WRONG`
 */
export function certifyImport(
  { deal, me, staticSecret }: ImportParams,
  seed: Uint8Array,
): Step<ImportState, ImportMessage, ImportOutput> {
  assertSeed(seed);
  encodeImportDeal(deal);
  const broken = rosterFault(deal);
  if (broken !== null) return { kind: 'aborted', fault: broken };
  const { suite, roster } = deal.params;
  const { group } = cocktailSuite(suite);
  const entry = roster[me - 1];
  if (entry === undefined) throw partyMissing();
  const scalar = group.scalars.parseSecret(reveal(staticSecret, 'decrypt a share and sign the transcript'));
  const agreement = group.agree(scalar);
  try {
    if (!equalBytes(group.encode(group.mulBase(scalar)), entry.staticKey)) throw staticSecretWrong();
    const result = importResult(deal, agreement);
    if ('code' in result) return { kind: 'aborted', fault: result };
    const received = takeDealtShare(deal, result, me, scalar, agreement);
    if (!(received instanceof Uint8Array)) return { kind: 'aborted', fault: received };
    const hedge = taggedHash('CKM/import/hedge/v1', seed, scalar, result.sessionId);
    const signingKey = { secret: scalar, publicKey: entry.staticKey };
    const { transcript, view, key } = result;
    const signature = signCocktail(result.suite, signingKey, transcript, hedge);
    hedge.fill(0);
    const posted: ImportMessage = { round: 0, view, signature };
    const share = secret<Uint8Array>(received);
    return {
      kind: 'waiting',
      state: { round: 0, deal, me, share, public: key.public, transcript, posted },
      outbox: [{ to: 'everyone', round: 0, body: posted }],
    };
  } finally {
    agreement.end();
    scalar.fill(0);
  }
}

/**
 * The share that was dealt to one server, compared with its public share.
 * @returns `SUSPECT_SHARE`, which names no server: only the dealer can have made it
 */
export function takeDealtShare(
  { dealerKey, params }: ImportDeal,
  result: ImportResult,
  me: PartyIndex,
  staticSecret: SecretScalar,
  agreement: Agreement,
): SecretScalar | Fault {
  const receiverKey = params.roster[me - 1]!.staticKey;
  const senderKeys = [dealerKey];
  const staticPoints = staticPointsOf(result.suite, staticSecret, senderKeys, null);
  try {
    const share = receiveShares({ ...result, me, agreement, senderKeys, receiverKey, staticPoints });
    return share instanceof Uint8Array ? share : { ...share, round: 0, culprits: [] };
  } finally {
    staticPoints.fill(0);
  }
}

/**
 * With all signatures there: the key exists. As after a generation, an abort here does not mean that it does not: the state must
 * be kept.
 */
export function finishImport(
  state: ImportState,
  inbox: readonly Incoming<ImportMessage>[],
): Step<ImportState, ImportMessage, ImportOutput> {
  const { deal, me, transcript, posted } = state;
  const awaited = { round: 0, from: otherSlots(deal, me) };
  const sorted = sortInbox(importMessageCodec, awaited, inbox, isImportMessage);
  if (sorted.kind === 'incomplete') return { kind: 'waiting', state, outbox: [] };
  if (sorted.kind === 'faulty') return { kind: 'aborted', fault: sorted.fault };
  const messages = deal.params.roster.map(({ slot }) => (slot === me ? posted : sorted.from.get(slot)!));
  if (!messages.every(({ view }) => equalBytes(view, posted.view))) {
    return { kind: 'aborted', fault: { code: 'RETRY_VIEWS_DIFFER', round: 0, culprits: [] } };
  }
  const signatures = messages.map(({ signature }) => signature);
  const culprits = wrongSignatures(deal.params, transcript, signatures);
  if (culprits.length > 0)
    return { kind: 'aborted', fault: { code: 'FAULT_SIGNATURE_INVALID', round: 0, culprits } };
  return {
    kind: 'finished',
    output: {
      share: { party: me, share: state.share, public: state.public },
      certificate: { kind: 'import', ...deal, signatures },
      transcriptHash: hashTranscript(transcript),
    },
    outbox: [],
  };
}

/** All slots but this one. */
export function otherSlots({ params }: ImportDeal, me: PartyIndex): readonly PartyIndex[] {
  return params.roster.map(({ slot }) => slot).filter((slot) => slot !== me);
}

function rosterFault({ params }: ImportDeal): Fault | null {
  try {
    verifyRoster(params);
    return null;
  } catch (error) {
    if (!(error instanceof PeerFaultError)) throw error;
    const culprits = error.facts['culprits'] as readonly PartyIndex[];
    return { code: 'FAULT_ROSTER', round: 0, culprits };
  }
}

function partyMissing(): UsageError {
  return new UsageError('this party is not in the roster', {
    code: 'PARTY_MISSING',
    hint: 'start with the slot that the roster gives to this server',
  });
}

function staticSecretWrong(): UsageError {
  return new UsageError('the static secret does not belong to the static key of this slot', {
    code: 'STATIC_SECRET_WRONG',
    hint: 'start with the secret that was made for this key',
  });
}
