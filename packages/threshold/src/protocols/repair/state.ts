import { concatBytes, reveal, secret, type Secret } from '@ckm/foundation';
import { suiteLengths } from '../../key/params.js';
import type { Codec, PartyIndex } from '../../protocol/contract.js';
import {
  block,
  type LayoutReader,
  layoutInvalid,
  readLayout,
  uint16be,
  uint8,
} from '../../protocol/layout.js';
import { MOST_PARTIES } from '../../sharing/index.js';
import {
  decodeRound,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type OpenMessage,
  type RepairMessage,
  type SplitMessage,
} from './messages.js';
import { encodeRepair, MAX_REPAIR_BYTES, type Repair, readRepair } from './repair.js';

interface Anyone {
  readonly repair: Repair;
  readonly me: PartyIndex;
}

/** A helper that has shown its run's key; waiting for the others'. */
export interface OpenedState extends Anyone {
  readonly role: 'helper';
  readonly round: 0;
  readonly share: Secret<Uint8Array>;
  /** 32 bytes: root of the secrets of this run. */
  readonly root: Secret<Uint8Array>;
  readonly posted: OpenMessage;
}

/** A helper that has split its part; waiting for the others' splits. Share and root are gone. */
export interface SplitState extends Anyone {
  readonly role: 'helper';
  readonly round: 1;
  readonly runSecret: Secret<Uint8Array>;
  /** δ of itself to itself. */
  readonly kept: Secret<Uint8Array>;
  /** Of all helpers, in ascending order. */
  readonly round0: readonly OpenMessage[];
  readonly posted: SplitMessage;
}

interface Target extends Anyone {
  readonly role: 'target';
  readonly sealingSecret: Secret<Uint8Array>;
}

/** The target, who listens until the helpers answer. */
export type TargetState =
  | (Target & { readonly round: 0 })
  | (Target & { readonly round: 1; readonly round0: readonly OpenMessage[] })
  | (Target & {
      readonly round: 2;
      readonly round0: readonly OpenMessage[];
      readonly round1: readonly SplitMessage[];
    });

export type HelperState = OpenedState | SplitState;
export type RepairState = HelperState | TargetState;

const WHAT = 'the state of a repair';
const ROLES = ['helper', 'target'] as const;
const MAX_STATE_BYTES = 256 + MAX_REPAIR_BYTES + 2 * MOST_PARTIES * (4 + MAX_MESSAGE_BYTES);

export const repairStateCodec: Codec<RepairState> = {
  maxBytes: MAX_STATE_BYTES,
  encode: encodeState,
  decode: decodeState,
};

function encodeState(state: RepairState): Uint8Array {
  const head = [
    uint8(ROLES.indexOf(state.role)),
    uint8(state.round),
    encodeRepair(state.repair),
    uint16be(state.me),
  ];
  if (state.role === 'target') {
    const round0 = state.round === 0 ? [] : state.round0;
    const round1 = state.round === 2 ? state.round1 : [];
    return concatBytes(...head, opened(state.sealingSecret), ...round0.map(framed), ...round1.map(framed));
  }
  if (state.round === 0)
    return concatBytes(...head, opened(state.share), opened(state.root), framed(state.posted));
  return concatBytes(
    ...head,
    opened(state.runSecret),
    opened(state.kept),
    ...state.round0.map(framed),
    framed(state.posted),
  );
}

function decodeState(bytes: Uint8Array): RepairState {
  const reader = readLayout(bytes, WHAT, MAX_STATE_BYTES);
  const role = ROLES[reader.uint8()];
  const round = reader.uint8();
  const repair = readRepair(reader);
  const me = reader.uint16be() as PartyIndex;
  const anyone = { repair, me };
  const isTarget = me === repair.loss.slot;
  if (role === undefined || isTarget !== (role === 'target')) throw layoutInvalid(WHAT);
  const state = role === 'target' ? readTarget(reader, round, anyone) : readHelper(reader, round, anyone);
  reader.end();
  return state;
}

function readHelper(reader: LayoutReader, round: number, anyone: Anyone): HelperState {
  const { scalar } = suiteLengths(anyone.repair.key.params.suite);
  const role = 'helper' as const;
  if (round === 0) {
    const share = secret(reader.bytes(scalar));
    const root = secret(reader.bytes(32));
    return { ...anyone, role, round, share, root, posted: readMessage(reader, 0) };
  }
  if (round !== 1) throw layoutInvalid(WHAT);
  const runSecret = secret(reader.bytes(scalar));
  const kept = secret(reader.bytes(scalar));
  const round0 = readAll(reader, anyone.repair, 0);
  return { ...anyone, role, round, runSecret, kept, round0, posted: readMessage(reader, 1) };
}

function readTarget(reader: LayoutReader, round: number, anyone: Anyone): TargetState {
  const sealingSecret = secret(reader.bytes(suiteLengths(anyone.repair.key.params.suite).scalar));
  const target = { ...anyone, role: 'target' as const, sealingSecret };
  if (round === 0) return { ...target, round };
  const round0 = readAll(reader, anyone.repair, 0);
  if (round === 1) return { ...target, round, round0 };
  if (round !== 2) throw layoutInvalid(WHAT);
  return { ...target, round, round0, round1: readAll(reader, anyone.repair, 1) };
}

function readAll<R extends 0 | 1>(reader: LayoutReader, { helpers }: Repair, round: R) {
  return helpers.map(() => readMessage(reader, round));
}

function readMessage<R extends 0 | 1>(reader: LayoutReader, round: R) {
  return decodeRound(round, reader.block(MAX_MESSAGE_BYTES));
}

function framed(message: RepairMessage): Uint8Array {
  return block(encodeMessage(message));
}

function opened(value: Secret<Uint8Array>): Uint8Array {
  return reveal(value, 'encode the state of a repair');
}
