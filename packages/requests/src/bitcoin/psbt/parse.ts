import { encodeHex } from '@ckm/foundation';
import { Transaction } from '@scure/btc-signer';
import { demand, refusal } from '../../errors.js';
import type { BitcoinNetwork } from '../../kind.js';
import { assertSize } from '../../wire/payload.js';
import { withStatedCoins } from './contradiction.js';
import { readNetwork } from './network-record.js';
import {
  MAX_INPUTS,
  MAX_OUTPUTS,
  type PsbtMap,
  readPsbtMaps,
  recordValue,
  writePsbtMaps,
} from './psbt-maps.js';
import { takeSize } from '../script/bytes.js';
import type { ScriptLeaf } from '../script/tap-tree.js';

/** Somebody's claim that a key is theirs: fingerprint of the master key, path from there. Not believed. */
export interface KeyClaim {
  /** x coordinate, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Whether it is claimed for the key path; else for some script. */
  readonly keyPath: boolean;
  /** Four bytes, as a number. */
  readonly fingerprint: number;
  readonly path: readonly number[];
  /** Whether it stands in the field for keys of older kinds (ECDSA), which some wallets fill in for taproot too. */
  readonly isEcdsa: boolean;
}

export interface BitcoinInput {
  /** As explorers show it. */
  readonly txid: string;
  readonly index: number;
  readonly sequence: number;
  readonly amountSats: bigint;
  /** The script of the coin that is spent. */
  readonly script: Uint8Array;
  /** What the PSBT asks for; `undefined` leaves it to the signer. */
  readonly sighashType: number | undefined;
  readonly internalKey: Uint8Array | undefined;
  readonly merkleRoot: Uint8Array | undefined;
  readonly claims: readonly KeyClaim[];
  readonly keySignature: Uint8Array | undefined;
  readonly final: boolean;
}

export interface BitcoinOutput {
  readonly amountSats: bigint;
  readonly script: Uint8Array;
  readonly internalKey: Uint8Array | undefined;
  /** The scripts that it says can spend it. */
  readonly scriptTree: readonly ScriptLeaf[] | undefined;
  readonly claims: readonly KeyClaim[];
}

/** A transaction that waits for signatures. Sentence, digest and artefact all come from this value. */
export interface BitcoinRequest {
  readonly version: number;
  readonly lockTime: number;
  readonly inputs: readonly BitcoinInput[];
  readonly outputs: readonly BitcoinOutput[];
  /** The network whose addresses its owner wants shown, if the PSBT names one. */
  readonly network: BitcoinNetwork | undefined;
  /** The PSBT as it came; only `finish` reads it again, to put the signatures in. */
  readonly psbt: Uint8Array;
}

export const BITCOIN_MAX_BYTES = 1_048_576;
/** More than there will ever be. */
const MAX_SATS = 2_100_000_000_000_000n;
/** Of all inputs together; each becomes a value of its own. */
const MAX_WITNESS_ITEMS = 16_384;
const GLOBAL_UNSIGNED_TX = 0x00;
const GLOBAL_VERSION = 0xfb;
const IN_FINAL_SCRIPTSIG = 0x07;
const IN_FINAL_WITNESS = 0x08;

type PsbtInput = ReturnType<Transaction['getInput']>;
type PsbtOutput = ReturnType<Transaction['getOutput']>;
type PsbtClaims = Pick<PsbtInput, 'tapBip32Derivation' | 'bip32Derivation'>;

const malformed = (message: string) => refusal('PSBT_MALFORMED', message);

/** btc-signer throws plain errors that quote the request; none of them leaves this room. */
function readTransaction(psbt: Uint8Array): Transaction {
  try {
    // Scripts are checked by us, against keys that we derive; what we do not know stays in the PSBT untouched.
    return Transaction.fromPSBT(psbt, {
      allowUnknownOutputs: true,
      allowUnknownInputs: true,
      disableScriptCheck: true,
      unknown: 'ignore',
      proprietary: 'ignore',
    });
  } catch {
    throw malformed('the PSBT cannot be read');
  }
}

function readClaims({ tapBip32Derivation = [], bip32Derivation = [] }: PsbtClaims): KeyClaim[] {
  return [
    ...tapBip32Derivation.map(([publicKey, { hashes, der }]) => ({
      publicKey,
      keyPath: hashes.length === 0,
      ...der,
      isEcdsa: false,
    })),
    ...bip32Derivation.map(([publicKey, der]) => ({
      publicKey: publicKey.subarray(1, 33),
      keyPath: true,
      ...der,
      isEcdsa: true,
    })),
  ];
}

function spentCoin({ witnessUtxo }: PsbtInput): { amount: bigint; script: Uint8Array } {
  if (witnessUtxo !== undefined) return witnessUtxo;
  throw refusal('PSBT_INPUT_AMOUNT_UNKNOWN', 'the PSBT does not say what one of its inputs is worth');
}

function readInput(input: PsbtInput): BitcoinInput {
  const { txid, index } = input;
  if (txid === undefined || index === undefined) throw malformed('an input of the PSBT spends nothing');
  const coin = spentCoin(input);
  return {
    txid: encodeHex(txid),
    index,
    sequence: input.sequence ?? 0xffffffff,
    amountSats: coin.amount,
    script: coin.script,
    sighashType: input.sighashType,
    internalKey: input.tapInternalKey,
    merkleRoot: input.tapMerkleRoot,
    claims: readClaims(input),
    keySignature: input.tapKeySig,
    final: input.finalScriptWitness !== undefined || input.finalScriptSig !== undefined,
  };
}

function readOutput(output: PsbtOutput): BitcoinOutput {
  const { amount, script } = output;
  if (amount === undefined || script === undefined)
    throw malformed('an output of the PSBT is not decided yet');
  return {
    amountSats: amount,
    script,
    internalKey: output.tapInternalKey,
    scriptTree: output.tapTree,
    claims: readClaims(output),
  };
}

/** A PSBT of version 0 has a transaction and no version; one of version 2 has a version and no transaction. */
function assertVersion(maps: readonly PsbtMap[]): void {
  const [global] = maps;
  if (global === undefined) throw malformed('the PSBT is empty');
  const version = recordValue(global, GLOBAL_VERSION);
  const isTwo = version !== undefined && encodeHex(version) === '02000000';
  const isZero = version === undefined || encodeHex(version) === '00000000';
  demand(isZero || isTwo, 'PSBT_MALFORMED', 'the PSBT is of an unknown version');
  const hasTransaction = recordValue(global, GLOBAL_UNSIGNED_TX) !== undefined;
  demand(hasTransaction === isZero, 'PSBT_MALFORMED', 'the PSBT mixes two versions');
}

function assertFinalScripts(maps: readonly PsbtMap[]): void {
  let items = 0;
  for (const map of maps.slice(1)) {
    const witness = recordValue(map, IN_FINAL_WITNESS);
    const script = witness ?? recordValue(map, IN_FINAL_SCRIPTSIG);
    demand(script === undefined || script.length > 0, 'PSBT_MALFORMED', 'the PSBT has an empty final script');
    if (witness !== undefined) items += takeSize({ bytes: witness, at: 0 });
    demand(items <= MAX_WITNESS_ITEMS, 'PSBT_TOO_MANY_PARTS', 'the PSBT has a witness of too many parts');
  }
}

/** The sum of some amounts. */
export function sumSats(parts: readonly { readonly amountSats: bigint }[]): bigint {
  return parts.reduce((total, { amountSats }) => total + amountSats, 0n);
}

function assertAmounts({ inputs, outputs }: Pick<BitcoinRequest, 'inputs' | 'outputs'>): void {
  const possible = ({ amountSats }: { amountSats: bigint }) => amountSats >= 0n && amountSats <= MAX_SATS;
  demand(
    inputs.every(possible) && outputs.every(possible) && sumSats(inputs) <= MAX_SATS,
    'PSBT_AMOUNT_IMPOSSIBLE',
    'an amount in the PSBT is larger than all bitcoin',
  );
  const covered = sumSats(outputs) <= sumSats(inputs);
  demand(covered, 'PSBT_AMOUNT_IMPOSSIBLE', 'the transaction pays out more than it spends');
}

function assertCoinsDiffer(inputs: readonly BitcoinInput[]): void {
  const coins = new Set(inputs.map(({ txid, index }) => `${txid}:${index}`));
  demand(coins.size === inputs.length, 'PSBT_INPUT_REPEATED', 'the transaction spends one coin twice');
}

/**
 * Payload: a PSBT of version 0 or 2, nothing before or after it.
 * @throws EncodingError
 * Source: BIP-174, BIP-370, BIP-371
 */
export function parseBitcoin(payload: Uint8Array): BitcoinRequest {
  assertSize(payload, BITCOIN_MAX_BYTES);
  const psbt = payload.slice();
  const maps = readPsbtMaps(psbt);
  assertVersion(maps);
  assertFinalScripts(maps);
  const transaction = readTransaction(writePsbtMaps(withStatedCoins(maps)));
  const { inputsLength, outputsLength } = transaction;
  demand(
    inputsLength > 0 && outputsLength > 0,
    'PSBT_MALFORMED',
    'the transaction has no inputs or no outputs',
  );
  demand(
    maps.length === 1 + inputsLength + outputsLength,
    'PSBT_MALFORMED',
    'the PSBT has maps that belong to nothing',
  );
  demand(
    inputsLength <= MAX_INPUTS && outputsLength <= MAX_OUTPUTS,
    'PSBT_TOO_MANY_PARTS',
    'the PSBT has too many inputs or outputs',
  );
  const inputs = Array.from({ length: inputsLength }, (_, at) => readInput(transaction.getInput(at)));
  const outputs = Array.from({ length: outputsLength }, (_, at) => readOutput(transaction.getOutput(at)));
  const { version, lockTime } = transaction;
  demand(version >= 1 && version <= 3, 'PSBT_MALFORMED', 'the transaction is of an unknown version');
  assertAmounts({ inputs, outputs });
  assertCoinsDiffer(inputs);
  return { version, lockTime, inputs, outputs, network: readNetwork(maps[0]!), psbt };
}
