import { concatBytes, encodeHex, EncodingError, equalBytes } from '@ckm/foundation';
import type { Element } from '../../group/group.js';
import type { Fault, PartyIndex } from '../../protocol/contract.js';
import type { Quorum } from '../../sharing/index.js';
import { verifyCocktail } from '../../key/cocktail/signature.js';
import { type Dealing, parseDealing } from './dealing.js';
import type { CommitMessage, ShareMessage } from './messages.js';
import type { CocktailSuite } from '../../key/cocktail/suite.js';
import { hashOpening } from './transcript.js';

/** A dealing that passed every check that anyone can make. */
export interface CheckedDealing extends Dealing {
  /** The commitment, decoded: C₀ … C_{needed-1}. */
  readonly coefficients: readonly Element[];
  readonly ephemeral: Element;
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
  const found: (CheckedDealing | undefined)[] = view.round1.map((_, i) => {
    const checked = checkDealing(view, i);
    if (typeof checked !== 'string') return checked;
    faults.set((i + 1) as PartyIndex, checked);
    return undefined;
  });
  for (const slot of copied(found)) faults.set(slot, 'FAULT_DEALING_COPIED');
  found.forEach((dealing, i) => {
    const slot = (i + 1) as PartyIndex;
    if (dealing !== undefined && !faults.has(slot) && !isProofValid(view, dealing)) {
      faults.set(slot, 'FAULT_PROOF_INVALID');
    }
  });
  if (faults.size === 0) return found.filter((dealing) => dealing !== undefined);
  const codes = new Set(faults.values());
  return {
    code: CODES.find((code) => codes.has(code))!,
    round: 1,
    culprits: [...faults.keys()].sort((a, b) => a - b),
  };
}

function checkDealing(
  { suite, quorum, params, round0, round1 }: DealingsView,
  i: number,
): CheckedDealing | Code {
  const { nonce, commitment } = round0[i]!;
  const { dealing: bytes, salt } = round1[i]!;
  const dealing = parseDealing(suite, quorum, bytes);
  if (dealing === undefined) return 'FAULT_DEALING_LENGTH';
  if (!equalBytes(commitment, hashOpening(params, i + 1, nonce, dealing, salt)))
    return 'FAULT_COMMITMENT_OPENING';
  const { group } = suite;
  const length = group.elementByteLength;
  try {
    const coefficients = Array.from({ length: quorum.needed }, (_, k) =>
      group.decode(dealing.commitment.subarray(k * length, (k + 1) * length)),
    );
    return { ...dealing, coefficients, ephemeral: group.decode(dealing.ephemeralKey) };
  } catch (error) {
    if (error instanceof EncodingError) return 'FAULT_POINT_INVALID';
    throw error;
  }
}

/**
 * Dealers whose constant term or ephemeral key is another's. COCKTAIL-DKG's proof has no party index, so that one
 * dealer's commitment, proof and ephemeral key verify for another. Only dealers who opened their own commitment get
 * here; two equal ones then were agreed upon before round 1, and both are named.
 */
function copied(dealings: readonly (CheckedDealing | undefined)[]): readonly PartyIndex[] {
  const slots = new Map<string, PartyIndex[]>();
  dealings.forEach((dealing, i) => {
    if (dealing === undefined) return;
    const constantTerm = dealing.commitment.subarray(0, dealing.ephemeralKey.length);
    for (const key of [`C${encodeHex(constantTerm)}`, `E${encodeHex(dealing.ephemeralKey)}`]) {
      slots.set(key, [...(slots.get(key) ?? []), (i + 1) as PartyIndex]);
    }
  });
  return [...slots.values()].filter((dealers) => dealers.length > 1).flat();
}

function isProofValid({ suite, context }: DealingsView, dealing: CheckedDealing): boolean {
  return verifyCocktail(
    suite,
    dealing.commitment.subarray(0, suite.group.elementByteLength),
    concatBytes(context, dealing.commitment, dealing.ephemeralKey),
    dealing.proof,
    dealing.coefficients[0],
  );
}
