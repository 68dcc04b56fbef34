import { concatBytes, EncodingError, PeerFaultError } from '@ckm/foundation';
import type { Fault } from '../../protocol/contract.js';
import { block, layoutInvalid, readLayout, uint8 } from '../../protocol/layout.js';
import {
  type CertifiedEpoch,
  encodeChange,
  MAX_CHANGE_BYTES,
  parseChange,
} from '../../protocols/reshare/change.js';
import { verifyChangeParams } from '../../protocols/reshare/check-change.js';
import {
  decodeDeal,
  frameReshareMessage,
  isOfRound,
  MAX_RESHARE_MESSAGE_BYTES,
} from '../../protocols/reshare/messages.js';
import type { SignedChange } from '../../protocols/reshare/output.js';
import { type ChangeResult, changeResult } from '../../protocols/reshare/run.js';
import { MOST_PARTIES } from '../../sharing/index.js';
import { isBytes, suiteLengths } from '../params.js';
import { wrongSignatures } from '../roster.js';
import { hashTranscript } from '../transcript-hash.js';
import type { ChangeMemory } from './change-memory.js';
import { encodeKind, parseKind } from './kind.js';

/** What old members said for a change; read by those who decide between changes, and opaque here. */
export interface ChangeVotes {
  /** Promises for the order's attempt, with the highest lock certificate that any of them shows. */
  readonly promises: Uint8Array;
  /** Yields for one attempt, over the transcript hash of the next epoch. */
  readonly yields: Uint8Array;
}

/**
 * The proof that an epoch of a key follows another: the whole next roster holds its shares, and enough of the old members
 * yielded to it and to no other.
 */
export interface ChangeCertificate extends SignedChange, ChangeVotes {
  readonly kind: 'change';
}

/** What the votes of a change are about. */
export interface DecidedChange {
  readonly before: CertifiedEpoch;
  /** 32 bytes: hash of the order. */
  readonly order: Uint8Array;
  /** 32 bytes: H(T′). */
  readonly transcriptHash: Uint8Array;
}

/** Judges the votes of a change, and throws unless they carry it: what the whole next roster signed activates nothing alone. */
export type VoteJudge = (votes: ChangeVotes, decided: DecidedChange) => void;

const MAX_PROMISES_BYTES = 1 << 20;
const MAX_YIELDS_BYTES = 1 << 16;
/** Longest encoding of the certificate of a change. */
export const MAX_CHANGE_CERTIFICATE_BYTES =
  16 +
  MAX_CHANGE_BYTES +
  MAX_PROMISES_BYTES +
  MAX_YIELDS_BYTES +
  MOST_PARTIES * (4 + MAX_RESHARE_MESSAGE_BYTES + 65);
const WHAT = 'the certificate of a change';
const LAYOUT_VERSION = 1;

/**
 * The canonical bytes of the certificate of a change.
 * @throws EncodingError `LAYOUT_INVALID`, or as `encodeChange`
 */
export function encodeChangeCertificate(certificate: ChangeCertificate): Uint8Array {
  const { kind, change, promises, deals, signatures, yields } = certificate;
  return concatBytes(
    uint8(LAYOUT_VERSION),
    encodeKind(kind),
    block(encodeChange(change)),
    block(promises),
    ...deals.map(frameReshareMessage),
    ...signatures,
    block(yields),
  );
}

/**
 * Reads what {@link encodeChangeCertificate} wrote, and nothing else. Proves nothing: see {@link verifyChange}.
 * @throws EncodingError `CERTIFICATE_KIND_UNKNOWN`, `LAYOUT_INVALID`, `LAYOUT_TOO_LONG`, or as `parseChange`
 */
export function parseChangeCertificate(bytes: Uint8Array): ChangeCertificate {
  const reader = readLayout(bytes, WHAT, MAX_CHANGE_CERTIFICATE_BYTES);
  if (reader.uint8() !== LAYOUT_VERSION) throw layoutInvalid(WHAT);
  const kind = parseKind(reader.uint8(), 'change');
  const change = parseChange(reader.block(MAX_CHANGE_BYTES));
  const promises = reader.block(MAX_PROMISES_BYTES);
  const deals = change.dealers.map(() => decodeDeal(reader.block(MAX_RESHARE_MESSAGE_BYTES)));
  const { signature } = suiteLengths(change.next.suite);
  const signatures = change.next.roster.map(() => reader.bytes(signature));
  const yields = reader.block(MAX_YIELDS_BYTES);
  reader.end();
  return { kind, change, promises, deals, signatures, yields };
}

/**
 * Checks what the next roster signed against the epoch before: parameters, every dealing, every signature over T′, which
 * is made anew from the messages. Without the votes it says that this change *can* be decided, not that it was.
 * @param memory spares checking a change that it knows; absent: it is checked anew
 * @throws PeerFaultError with the code of the fault and `facts.culprits` (seats: see `seatsOf`) · EncodingError
 * `CERTIFICATE_INVALID` for a list or message of the wrong shape, or as `verifyChangeParams`
 */
export function verifySignedChange(
  before: CertifiedEpoch,
  signed: SignedChange,
  memory?: ChangeMemory,
): CertifiedEpoch {
  return epochOf(signed, checkSignedChange(before, signed, memory));
}

/**
 * Checks the certificate of a change from scratch, votes included; those are judged each time.
 * @param memory as in {@link verifySignedChange}
 * @throws as {@link verifySignedChange}, and whatever `judge` throws
 */
export function verifyChange(
  before: CertifiedEpoch,
  certificate: ChangeCertificate,
  judge: VoteJudge,
  memory?: ChangeMemory,
): CertifiedEpoch {
  const next = verifySignedChange(before, certificate, memory);
  const { promises, yields, change } = certificate;
  judge({ promises, yields }, { before, order: change.order, transcriptHash: next.transcriptHash });
  return next;
}

/** As {@link verifySignedChange}; gives what recovery needs. */
export function checkSignedChange(
  before: CertifiedEpoch,
  signed: SignedChange,
  memory?: ChangeMemory,
): ChangeResult {
  const check = () => checkAnew(before, signed, memory);
  return memory === undefined || !isWhole(signed) ? check() : memory.recall(before, signed, check);
}

/** Whether the lists and messages of a change have the shapes that its parameters ask for. */
function isWhole({ change, deals, signatures }: SignedChange): boolean {
  const { signature: length } = suiteLengths(change.next.suite);
  return (
    deals.length === change.dealers.length &&
    signatures.length === change.next.quorum.of &&
    deals.every(isOfRound(0)) &&
    signatures.every((bytes) => isBytes(bytes, length))
  );
}

function checkAnew(before: CertifiedEpoch, signed: SignedChange, memory?: ChangeMemory): ChangeResult {
  const { change, deals, signatures } = signed;
  verifyChangeParams(before, change, memory);
  if (!isWhole(signed)) throw certificateInvalid();
  const result = changeResult(before, change, deals);
  if ('code' in result) throw changeFault(result);
  const culprits = wrongSignatures(change.next, result.transcript, signatures);
  if (culprits.length > 0) throw changeFault({ code: 'FAULT_SIGNATURE_INVALID', culprits });
  return result;
}

function epochOf({ change }: SignedChange, { transcript, key }: ChangeResult): CertifiedEpoch {
  const { next: params, termsVersion } = change;
  return { params, termsVersion, transcriptHash: hashTranscript(transcript), public: key.public };
}

function certificateInvalid(): EncodingError {
  return new EncodingError('the certificate of a change is not whole', {
    code: 'CERTIFICATE_INVALID',
    hint: 'fetch it from another server',
  });
}

/** A fault as an error, for callers who are shown a certificate instead of taking part in a run. */
export function changeFault({ code, culprits }: Pick<Fault, 'code' | 'culprits'>): PeerFaultError {
  const who = culprits.length === 0 ? 'nobody in particular' : `seat ${culprits.join(', ')}`;
  return new PeerFaultError(`the certificate of a change does not hold (${code}, ${who})`, {
    code,
    hint: 'fetch it from another server; if it is the same there, do not follow this change',
    facts: { culprits },
  });
}
