import { CkmError, concatBytes, encodeHex } from '@ckm/foundation';
import { Transaction } from '@scure/btc-signer';
import { demand, type RequestErrorCode } from '../../errors.js';
import type { DescriptionWarning, KeyContext } from '../../kind.js';
import { completePsbt } from '../ownership/complete.js';
import { withStatedCoins } from '../psbt/contradiction.js';
import { createInputCheck } from './input-check.js';
import { assessOwnership } from '../ownership/ownership.js';
import { parseBitcoin, type BitcoinRequest } from '../psbt/parse.js';
import { type PsbtMap, readPsbtMaps, writePsbtMaps } from '../psbt/psbt-maps.js';
import { createWork, finalizeMs, type Work } from './work.js';

/** Records that hold signatures of one key: PSBT_IN_PARTIAL_SIG, PSBT_IN_TAP_SCRIPT_SIG. */
const SIGNATURES = [0x02, 0x14];

/** A transaction ready to be sent. */
export interface FinalTransaction {
  readonly hex: string;
  readonly txid: string;
  readonly virtualBytes: number;
}

/** An input that keeps a PSBT from being a transaction. */
export interface OpenInput {
  readonly at: number;
  /** `uncheckable`: it has what it needs, of a kind that cannot be judged here; `unchecked`: judging it takes too long. */
  readonly why: 'missing' | 'wrong' | 'uncheckable' | 'unchecked';
}

/** What there is of a transaction in a PSBT. */
export interface TransactionState {
  /** `null` unless every input is unlocked, and rightly. */
  readonly final: FinalTransaction | null;
  readonly open: readonly OpenInput[];
}

/** @throws EncodingError what `parseBitcoin` refuses */
export function transactionState(psbt: Uint8Array): TransactionState {
  const { transaction, open } = unlocked(parseBitcoin(psbt));
  if (open.length > 0) return { final: null, open };
  const bytes = concatBytes(transaction.extract());
  const final = { hex: encodeHex(bytes), txid: transaction.id, virtualBytes: transaction.vsize };
  return { final, open };
}

/** What the final transaction of a PSBT lacks, by why it does. */
const REFUSALS: Readonly<Record<OpenInput['why'], RequestErrorCode>> = {
  missing: 'PSBT_NOT_SIGNED',
  wrong: 'PSBT_SIGNATURE_WRONG',
  uncheckable: 'PSBT_INPUT_UNCHECKABLE',
  unchecked: 'PSBT_INPUT_UNCHECKABLE',
};

/** What is open about some inputs, as a sentence names it: the worst of it alone. */
export function refusalOfOpen(
  open: readonly OpenInput[],
): { code: RequestErrorCode; message: string } | null {
  for (const why of ['wrong', 'missing', 'unchecked', 'uncheckable'] as const) {
    const at = open.filter((input) => input.why === why).map((input) => input.at);
    if (at.length > 0) return { code: REFUSALS[why], message: whatIsOpen(why, at) };
  }
  return null;
}

function whatIsOpen(why: OpenInput['why'], at: readonly number[]): string {
  const isOne = at.length === 1;
  const inputs = `${isOne ? 'input' : 'inputs'} ${at.join(', ')}`;
  if (why === 'wrong')
    return `the signature${isOne ? '' : 's'} of ${inputs} ${isOne ? 'does' : 'do'} not verify`;
  if (why === 'unchecked') return `the signatures of ${inputs} were not checked: that takes too long`;
  if (why === 'missing') return `${inputs} ${isOne ? 'is' : 'are'} for others to sign`;
  return `${inputs} ${isOne ? 'is' : 'are'} locked in a way that cannot be checked here`;
}

/**
 * The final transaction of a PSBT whose inputs are all signed.
 * @throws EncodingError `PSBT_NOT_SIGNED`, `PSBT_SIGNATURE_WRONG`, `PSBT_INPUT_UNCHECKABLE`, or what `parseBitcoin` refuses
 */
export function finalizeTransaction(psbt: Uint8Array): FinalTransaction {
  const { final, open } = transactionState(psbt);
  const refused = refusalOfOpen(open);
  demand(final !== null, refused?.code ?? 'PSBT_NOT_SIGNED', refused?.message ?? 'nothing is signed');
  return final;
}

/**
 * Inputs that keep the PSBT from being a transaction whatever the key signs: they are for others.
 * @throws EncodingError what `parseBitcoin` and the key refuse
 */
export function inputsLeftToOthers(psbt: Uint8Array, key: KeyContext): readonly OpenInput[] {
  const request = parseBitcoin(completePsbt(psbt, key));
  const own = inputsToCome(request, key);
  return unlocked(request).open.filter(({ at }) => !own.has(at));
}

/**
 * Says which signatures of others do not verify, and which were not checked, before anybody is asked to sign beside them.
 * @param work what may go into that
 */
export function foreignSignatureWarnings(
  request: BitcoinRequest,
  key: KeyContext,
  work?: Work,
): DescriptionWarning[] {
  const own = inputsToCome(request, key);
  if (own.size === request.inputs.length) return [];
  const open = openInputs(request, work).filter(({ at }) => !own.has(at));
  const told = (why: OpenInput['why'], code: string, what: string): DescriptionWarning[] => {
    const refused = refusalOfOpen(open.filter((input) => input.why === why));
    return refused === null ? [] : [{ code, text: `${refused.message}${what}` }];
  };
  const noTransaction = 'there is no transaction, whoever else signs';
  return [
    ...told('wrong', 'FOREIGN_SIGNATURE_WRONG', `: until their owners sign again ${noTransaction}`),
    ...told('unchecked', 'FOREIGN_SIGNATURE_UNCHECKED', `; if one is wrong, ${noTransaction}`),
  ];
}

const judged = new WeakMap<BitcoinRequest, readonly OpenInput[]>();

/** Remembered: warnings and details of a request both ask. */
function openInputs(request: BitcoinRequest, work?: Work): readonly OpenInput[] {
  const open = judged.get(request) ?? unlocked(request, work).open;
  judged.set(request, open);
  return open;
}

/** The positions of inputs that hold what unlocks them, and rightly. */
export function unlockedInputs(request: BitcoinRequest): ReadonlySet<number> {
  const open = new Set(openInputs(request).map(({ at }) => at));
  return new Set(request.inputs.flatMap((_, at) => (open.has(at) ? [] : [at])));
}

/** Inputs that this key will sign. */
function inputsToCome(request: BitcoinRequest, key: KeyContext): ReadonlySet<number> {
  try {
    return new Set(assessOwnership(request, key.public).inputs.map(({ at }) => at));
  } catch (error) {
    if (error instanceof CkmError && error.code === 'PSBT_ALREADY_SIGNED') return new Set();
    throw error;
  }
}

/** The transaction with whatever unlocks its inputs, and which of them that does not unlock. */
function unlocked(
  request: BitcoinRequest,
  work: Work = createWork(),
): { transaction: Transaction; open: readonly OpenInput[] } {
  const maps = withStatedCoins(readPsbtMaps(request.psbt));
  const transaction = Transaction.fromPSBT(writePsbtMaps(maps), {
    allowUnknownOutputs: true,
    allowUnknownInputs: true,
    allowLegacyWitnessUtxo: true,
    disableScriptCheck: true,
  });
  const check = createInputCheck(request, transaction, work);
  const open = request.inputs.flatMap((_, at): OpenInput[] => {
    if (!work.take(finalizingMs(maps[1 + at]!))) return [{ at, why: 'unchecked' }];
    if (!isUnlocked(transaction, at)) return [{ at, why: 'missing' }];
    const verdict = check(at);
    if (verdict === 'right') return [];
    return [{ at, why: verdict === 'unknown' ? 'uncheckable' : verdict }];
  });
  return { transaction, open };
}

function finalizingMs(map: PsbtMap): number {
  const bytes = map.reduce((sum, { value }) => sum + value.length, 0);
  return finalizeMs(bytes, map.filter(({ key }) => SIGNATURES.includes(key[0]!)).length);
}

/** Sets the final scripts of an input out of the signatures in it. */
function isUnlocked(transaction: Transaction, at: number): boolean {
  const { finalScriptSig, finalScriptWitness } = transaction.getInput(at);
  if (finalScriptSig !== undefined || finalScriptWitness !== undefined) return true;
  try {
    transaction.finalizeIdx(at);
    return true;
  } catch {
    return false;
  }
}
