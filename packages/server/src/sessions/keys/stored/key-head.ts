import type { ExportProof } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { Counting, ServerContext, StandingFreeze, WeightyRules } from '../../../context.js';
import type { KeyRow } from '../../../storage/storage.js';
import { openRecord, sealRecord } from '../../../vault/sealed-record.js';
import type { CertifiedEpoch, EpochRecord } from './epoch-record.js';

/**
 * A key is stored in three parts, so that what is shown never opens a share, and what is destroyed is gone from every copy
 * of the database: its head (which epoch is used, the public half of it, and what stands about the key), the public record of each
 * epoch, and the secrets of each epoch under a key of their own that is not in the database (`vault/epoch-keys.ts`).
 */
export interface KeyHead extends HeadEpoch, KeyMarks {}

/** What a head says of the epoch in use. */
export interface HeadEpoch extends Pick<
  EpochRecord,
  'suite' | 'purpose' | 'quorum' | 'policy' | 'slot' | 'sessionId'
> {
  readonly certified: Omit<CertifiedEpoch, 'share' | 'certificate'> | null;
  /** Which version of its epoch's rows belongs to this head: another one was put back, and is refused. */
  readonly material: number;
}

/** What a head says besides what its epoch is. */
export interface KeyMarks {
  /** Which version of what its operator took away belongs to it; 0: none. Another one was put back, and is refused. */
  readonly tightened: number;
  /** When this server stopped it, as that row says too; absent: it answers. UnixSeconds. */
  readonly stoppedAt?: number;
  /** What its operator asks of a change of who holds it and of its export, as that row says too; absent: that row is older, or there is none. */
  readonly weighty?: WeightyRules;
  /** Slots that this server has helped to their lost share in an epoch; absent: none. */
  readonly helped?: { readonly epoch: number; readonly slots: readonly number[] };
  /** Which version of the row of the change that follows its epoch belongs to it; absent: none. Another one is refused. */
  readonly change?: number;
  /** The epoch that follows, where its certificate is here and this server has not entered it yet. Absent: none is decided. */
  readonly decided?: number;
  /** When its epoch came into use here, where a change made it. UnixSeconds. */
  readonly since?: number;
  /** Transcript hash of its first epoch, which its likeness is made of for ever; absent: it is in its first epoch. */
  readonly first?: Uint8Array;
  /**
   * 32 bytes, drawn when this server was restored from a backup, or its database went back: it may have said in this epoch
   * what it does not know of, and decides on no change of it. Absent: it remembers everything.
   */
  readonly forgot?: Uint8Array;
  /** What `forgot` last said in an epoch before this one; stays for ever, so that nothing offered before that is taken for its own. Absent: it never forgot. */
  readonly lapse?: Uint8Array;
  /** How often it was written: grows for ever, and outside of the database too where something left (`head-memory.ts`). Absent: 1 or less. */
  readonly count?: number;
  /**
   * 32 bytes, drawn when this server was restored from a backup, or its database or this row went back: what others are asked with
   * whether its epoch is still the newest. Until they have said so it uses and deals with nothing. Absent: it knows.
   */
  readonly asks?: Uint8Array;
  /** Since when this server has seen every request for the key; absent: from the first on. */
  readonly counting?: Counting;
  /** Since when this server sums requests for it, because terms that were in force before summed nothing; absent: from the first on. UnixSeconds. */
  readonly summing?: number;
  /** How often the nonces were voided that had been published for it, on the disk before a count leaves, and whose question was the last reason. Absent: never. */
  readonly voided?: { readonly times: number; readonly nonce: Uint8Array };
  /** An epoch of which this server was shown two certificates that hold: it answers nothing, and deletes nothing. Absent: of none. */
  readonly forked?: number;
  /** Which version of the row of the change before the forked epoch belongs to it; absent: none. Another one is refused. */
  readonly settling?: number;
  /** Of the forked epoch, by its transcript hash: on which one its servers settled. This server goes over to it, and to nothing else. Absent: on none, as far as it knows. */
  readonly counts?: Uint8Array;
  /** Whether it was never in the epoch that `counts` names, as its memory shows (`never-in.ts`): of that it has forgotten nothing. Absent: it may have been. */
  readonly neverIn?: true;
  /**
   * Of epochs that were forked: the transcript hash of the one on which their servers settled, as this server was shown by their votes. In every backup, which the
   * votes are not. Absent: it was shown of none.
   */
  readonly settledOn?: readonly { readonly epoch: number; readonly name: Uint8Array }[];
  /**
   * An epoch whose servers are asked which certificate of the next counts, and which version of the row of that belongs to it, while the key, in a
   * later epoch, goes on answering. Absent: none.
   */
  readonly awaits?: { readonly epoch: number; readonly version: number };
  /** A forked epoch in which its operator has said that this server stays, by the certificate that it has: no other one of it stops the key here any more. Absent: of none. */
  readonly stands?: number;
  /** The epoch that followed its own, in which this server has no share: it answers nothing any more. Absent: it is in. */
  readonly left?: { readonly epoch: number; readonly transcriptHash: Uint8Array };
  /** When the shares of epochs that are over were destroyed here, and by which entry of the log, the newest of them last; absent: none was. */
  readonly retired?: readonly { readonly epoch: number; readonly at: number; readonly entry: number }[];
  /** When this server first gave its share out; stays for ever. UnixSeconds. Absent: it never did. */
  readonly exportedAt?: number;
  /** What shows that as many servers as its quorum needs agreed to give it out, this one or others; absent: nothing was shown here. */
  readonly exportProof?: ExportProof;
  /** Which version of the row of the change behind the terms in force belongs to it, whether that waits or is over; absent: none. Another one is refused. */
  readonly nextTerms?: number;
  /** Which terms the certificate of its epoch names, where those in force are later ones; absent: those in force. */
  readonly certifiedTerms?: number;
  /** How often the count of its owner's silence began anew, as the row of that says too: one that was put back grants nothing. Absent: there is no such row. */
  readonly life?: number;
  /** The last heir who asked for it because its owner was silent, and when: UnixSeconds. `isOver`: its owner was heard since. Absent: nobody ever did. */
  readonly heirAsked?: { readonly heir: string; readonly at: number; readonly isOver?: true };
  /** The freeze by its owner that stands, unless its time has passed, as that row says too; absent: none. */
  readonly frozen?: StandingFreeze;
}

/** What may be shown of a key. Opens no secret. @throws StorageError `ROW_TAMPERED` */
export function openHead({ vault }: Pick<ServerContext, 'vault'>, row: KeyRow): KeyHead {
  return openRecord<KeyHead>(vault, 'keys', row);
}

/** Null: it is not what this server stored, which its operator is told. The others are shown all the same. */
export function openIfWhole(context: Pick<ServerContext, 'vault' | 'events'>, row: KeyRow): KeyHead | null {
  try {
    return openHead(context, row);
  } catch (error) {
    if (!(error instanceof CkmError) || error.code !== 'ROW_TAMPERED') throw error;
    context.events.storageFailed(error);
    return null;
  }
}

/**
 * The row of a head in its next version. It counts on, and what is found to be behind counts on from where it should be.
 * @param known what the head says by now; null: it is new
 */
export function sealHead(
  { vault }: Pick<ServerContext, 'vault'>,
  known: KeyHead | null,
  next: KeyHead,
  columns: Omit<KeyRow, 'sealed'>,
): KeyRow {
  const count = Math.max(known?.count ?? 0, next.count ?? 0) + 1;
  return sealRecord(vault, 'keys', columns, { ...next, count });
}

/** What a head says of its epoch, and what besides. */
export function partsOf({
  suite,
  purpose,
  quorum,
  policy,
  slot,
  sessionId,
  certified,
  material,
  ...marks
}: KeyHead): { readonly ofEpoch: HeadEpoch; readonly marks: KeyMarks } {
  const ofEpoch = { suite, purpose, quorum, policy, slot, sessionId, certified, material };
  return { ofEpoch, marks };
}

/** @param head null: of a key that is new */
export function marksOf(head: KeyHead | null): KeyMarks {
  return head === null ? { tightened: 0 } : partsOf(head).marks;
}

/** Slots that this server has helped to their lost share in that epoch. */
export function helpedSlots({ helped }: Pick<KeyMarks, 'helped'>, epoch: number): readonly number[] {
  return helped?.epoch === epoch ? helped.slots : [];
}

/** Whether shares of it are out, by what this server did or was shown. */
export function isExported({
  exportedAt,
  exportProof,
}: Pick<KeyMarks, 'exportedAt' | 'exportProof'>): boolean {
  return exportedAt !== undefined || exportProof !== undefined;
}
