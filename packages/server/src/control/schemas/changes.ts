import { z } from 'zod';
import { hexId, hexText, saidName, sentence, unixSeconds, wholeNumber } from './common.js';
import type { Immutable } from './immutable.js';

/** Where a list of waiting changes has come to. */
const changeCursor = z.strictObject({ owner: hexId, keyId: hexId, epoch: wholeNumber });

/** All of a cursor, or nothing of it. */
export const changesParameters = changeCursor
  .partial()
  .refine(
    ({ owner, keyId, epoch }) => new Set([owner, keyId, epoch].map((one) => one === undefined)).size === 1,
    {
      error: 'owner, keyId and epoch belong together',
    },
  );

/** Which order was looked at, whole: a yes to it is a yes to nothing else. */
const seenChange = changeCursor.extend({ orderHash: hexId });
export type OperatorSeenChange = Immutable<z.output<typeof seenChange>>;

/** `words`: the six words of the order, as its owner told them to the operator. */
export const approveChangeParameters = seenChange.extend({ words: sentence.min(1), as: saidName });

/** `reason` reaches the owner. */
export const rejectChangeParameters = seenChange.extend({ reason: sentence.min(1), as: saidName });

const quorum = z.object({ needed: wholeNumber, of: wholeNumber });
const member = z.object({
  /** XID: what its likeness is made of. */
  serverId: hexText,
  /** Empty: not known here. */
  url: z.string(),
});

const operatorChange = z.object({
  owner: hexText,
  keyId: hexText,
  /** The epoch whose members decide. */
  epoch: wholeNumber,
  /** Names the order. */
  orderHash: hexText,
  /** Whose likeness people compare. */
  transcriptHash: hexText,
  sentence: z.string(),
  old: z.array(member),
  oldQuorum: quorum,
  /** Where several certificates of one epoch hold, and it is settled which counts: what dies with each of the others. Else empty. */
  dead: z.array(z.object({ quorum, members: z.array(member) })),
  next: z.array(member),
  nextQuorum: quorum,
  /** Whether it waits for the operator. */
  asked: z.boolean(),
  /** When its delay is over if the server goes on running; null: it is. */
  readyAt: unixSeconds.nullable(),
  /** The id of the device that gave it; null: the words of its owner, or it is not known. */
  by: hexText.nullable(),
});
export type OperatorChange = Immutable<z.output<typeof operatorChange>>;

/** A page; `next` is where the following one begins, null at the end. */
export const changesResult = z.object({
  changes: z.array(operatorChange),
  next: changeCursor.nullable(),
});
export type OperatorChanges = Immutable<z.output<typeof changesResult>>;
