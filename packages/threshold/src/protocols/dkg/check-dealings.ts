import { concatBytes, encodeHex, EncodingError, equalBytes } from '@ckm/foundation';
import type { Agreement, Element } from '../../group/group.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import type { Quorum } from '../../sharing/index.js';
import { decodeSigner } from '../../key/cocktail/signature.js';
import { type Dealing, parseDealing } from './dealing.js';
import type { CommitMessage, ShareMessage } from './messages.js';
import type { CocktailSuite } from '../../key/cocktail/suite.js';
import { hashOpening } from './transcript.js';

/** A dealing that passed every check that anyone can make. */
export interface CheckedDealing extends Dealing {
  /** The commitment, decoded: C₀ … C_{needed-1}. */
  readonly coefficients: readonly Element[];
  /** d·E, encoded, of whoever receives a share; null for whoever looks on. Secret. */
  readonly ephemeralPoint: Uint8Array | null;
}

/** What one dealer gave, before it is compared with what the others gave. */
export interface ReadDealing {
  readonly dealing: CheckedDealing;
  readonly isProofValid: boolean;
}

/** What is needed to check the dealings of a run; all public. */
export interface DealingsView {
  readonly suite: CocktailSuite;
  readonly quorum: Quorum;
  /** Hash of the key's parameters. */
  readonly params: Uint8Array;
  readonly context: Uint8Array;
  /** Both in order of slots, one for each. */
  readonly round0: readonly CommitMessage[];
  readonly round1: readonly ShareMessage[];
  /** By the static secret of whoever receives a share: what checks E for him, too. Null for whoever looks on. */
  readonly agreement: Agreement | null;
}

/** Checks in the order in which they are made; the first that fails somewhere gives the fault its code. */
const CODES = [
  'FAULT_DEALING_LENGTH',
  'FAULT_COMMITMENT_OPENING',
  'FAULT_POINT_INVALID',
  'FAULT_DEALING_COPIED',
  'FAULT_PROOF_INVALID',
] as const;

type Code = (typeof CODES)[number];

/**
 * The public checks of round 1 (docs/dkg.md, "What is checked"), for every dealer, all culprits collected. A fault
 * found here can be shown to anyone who has the signed messages.
 */
export function checkDealings(view: DealingsView): readonly CheckedDealing[] | Fault {
  const faults = new Map<PartyIndex, Code>();
  const found: (ReadDealing | undefined)[] = view.round1.map((_, i) => {
    const read = readDealing(view, i);
    if (typeof read !== 'string') return read;
    faults.set((i + 1) as PartyIndex, read);
    return undefined;
  });
  for (const slot of copiedDealings(found)) faults.set(slot, 'FAULT_DEALING_COPIED');
  found.forEach((read, i) => {
    const slot = (i + 1) as PartyIndex;
    if (read?.isProofValid === false && !faults.has(slot)) faults.set(slot, 'FAULT_PROOF_INVALID');
  });
  if (faults.size === 0) return found.flatMap((read) => (read === undefined ? [] : [read.dealing]));
  const codes = new Set(faults.values());
  return {
    code: CODES.find((code) => codes.has(code))!,
    round: 1,
    culprits: [...faults.keys()].sort((a, b) => a - b),
  };
}

function readDealing(view: DealingsView, i: number): ReadDealing | Code {
  const { suite, quorum, params, round0, round1 } = view;
  const { nonce, commitment } = round0[i]!;
  const { dealing: bytes, salt } = round1[i]!;
  const dealing = parseDealing(suite, quorum, bytes);
  if (dealing === undefined) return 'FAULT_DEALING_LENGTH';
  if (!equalBytes(commitment, hashOpening(params, i + 1, nonce, dealing, salt)))
    return 'FAULT_COMMITMENT_OPENING';
  try {
    return readElements(view, dealing);
  } catch (error) {
    if (error instanceof EncodingError) return 'FAULT_POINT_INVALID';
    throw error;
  }
}

/** What is needed to decode a dealing and to check its proof. */
export type ElementsView = Pick<DealingsView, 'suite' | 'quorum' | 'context' | 'agreement'>;

/**
 * Decodes the elements of a dealing and checks its proof of possession.
 * @throws EncodingError `ELEMENT_INVALID`
 */
export function readElements(
  { suite, quorum, context, agreement }: ElementsView,
  dealing: Dealing,
): ReadDealing {
  const { group } = suite;
  const { commitment, ephemeralKey, proof } = dealing;
  const at = (k: number) =>
    commitment.subarray(k * group.elementByteLength, (k + 1) * group.elementByteLength);
  const proven = concatBytes(context, commitment, ephemeralKey);
  const { key, isValid } = decodeSigner(suite, at(0), proven, proof);
  const others = Array.from({ length: quorum.needed - 1 }, (_, k) => group.decode(at(k + 1)));
  const ephemeralPoint = agreement?.pointWith(ephemeralKey) ?? null;
  if (ephemeralPoint === null) group.decode(ephemeralKey);
  return {
    dealing: { ...dealing, coefficients: [key, ...others], ephemeralPoint },
    isProofValid: isValid,
  };
}

/**
 * Dealers, the n-th as party n, whose constant term or ephemeral key is another's. COCKTAIL-DKG's proof has no party index, so that one
 * dealer's commitment, proof and ephemeral key verify for another. Only dealers who opened their own commitment get
 * here; two equal ones then were agreed upon before round 1, and both are named.
 */
function copiedDealings(found: readonly (ReadDealing | undefined)[]): readonly PartyIndex[] {
  const slots = new Map<string, PartyIndex[]>();
  found.forEach((read, i) => {
    if (read === undefined) return;
    const { dealing } = read;
    const constantTerm = dealing.commitment.subarray(0, dealing.ephemeralKey.length);
    for (const key of [`C${encodeHex(constantTerm)}`, `E${encodeHex(dealing.ephemeralKey)}`]) {
      slots.set(key, [...(slots.get(key) ?? []), (i + 1) as PartyIndex]);
    }
  });
  return [...slots.values()].filter((dealers) => dealers.length > 1).flat();
}
