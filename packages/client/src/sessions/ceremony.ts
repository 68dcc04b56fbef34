import type { Order, Packet, Proposal, SessionView } from '@ckm/api';
import type { Remedy } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import type { Fault } from '@ckm/threshold';
import type { ServerLink } from '../carrier/server-link.js';
import type { ClientContext } from '../context/context.js';
import type { SteppedJob } from '../progress/job-steps.js';
import type { ProgressEvent } from '../progress/progress.js';
import type { Participant } from '../servers/ask-all.js';
import type { SessionRecord } from './session-record.js';

/** What a ceremony leaves: a member for each kind. */
export interface CeremonyOutcome {
  readonly kind: string;
}

/** Who speaks when, and for which epoch of the key: what packets of a session have to agree with. */
export interface Plan extends Order {
  readonly epoch: number;
}

/** Asks whoever is missing, again and again, until nobody is, or until the patience of one timeout is used up. */
export interface Gathering {
  readonly step: Pick<ProgressEvent, 'stage' | 'round' | 'text'>;
  readonly missing: () => readonly Participant[];
  readonly ask: (participant: Participant, link: ServerLink) => Promise<void>;
}

/** A session in which everybody has said everything: what its ceremony ends it with. */
export interface Ending {
  readonly context: ClientContext;
  /** As it is on record. */
  readonly session: SessionRecord;
  /** As agreed on. */
  readonly parameters: Uint8Array;
  /** In slot order. */
  readonly participants: readonly Participant[];
  /** Every packet of a round, in the order of who says it to whom. */
  packets(round: number): readonly Packet[];
  /** Brings a server everything it has not heard, and returns how the session stands there. */
  handOut(participant: Participant): Promise<SessionView>;
  /** @throws AvailabilityError `SERVERS_MISSING`; whatever a server is at fault for, or refuses */
  gather(text: string, gathering: Omit<Gathering, 'step'>): Promise<void>;
}

/**
 * One kind of ceremony as the client of its owner carries it: the twin of the server's room. It computes and judges what
 * belongs to its kind; everything else (records, messages, patience, going on, giving up) is the same for all of them.
 */
export interface Ceremony<O extends CeremonyOutcome = CeremonyOutcome> {
  /** As proposals name it. */
  readonly kind: O['kind'];
  /** Named in every packet; another version is another name. */
  readonly protocol: string;
  /** What progress calls it. As part of a longer job it is told as that. */
  readonly job: SteppedJob;
  /** One line for a person about each round, while it goes on; there are as many rounds. */
  readonly rounds: readonly string[];
  /** What brings another try when a session of this kind is over; null: it is begun by something else. */
  readonly again: Remedy | null;
  /** What goes on, as in "making treasury". */
  title(session: SessionRecord): string;
  /** What a person reads of it, line by line. @throws StorageError `STORE_CORRUPT` */
  details(session: SessionRecord): readonly (readonly [label: string, text: string])[];
  /**
   * What one server is asked to take part in, where that is not what the session is about for all of them; null: not before
   * others have made their offers. Absent: everybody is asked the same, at once.
   */
  proposalFor?(
    session: SessionRecord,
    participant: Participant,
    offers: ReadonlyMap<Participant, Data>,
  ): Proposal | null;
  /**
   * Checks what every server offers, and puts the parameters together that all are asked to join with.
   * @throws PeerFaultError naming the servers
   */
  assemble(
    session: SessionRecord,
    offers: ReadonlyMap<Participant, Data>,
    context: Pick<ClientContext, 'checkedChanges'>,
  ): Uint8Array;
  /** @param parameters as put together by {@link Ceremony.assemble} */
  plan(parameters: Uint8Array, session: SessionRecord): Plan;
  /**
   * The checks that every server makes of what everybody was told.
   * @param rounds those that are complete, from the first, each in slot order
   */
  findFault(
    parameters: Uint8Array,
    rounds: readonly (readonly Packet[])[],
    session: SessionRecord,
  ): Fault | null;
  /** Makes what the ceremony is for. It may be called again after anything. @throws whatever keeps it from its end */
  conclude(ending: Ending): Promise<O>;
  /**
   * Takes back what {@link Ceremony.conclude} has put on record, once everybody has said everything.
   * @param named what the owner named to give it up all the same
   * @throws StateError when it is not to be given up
   */
  giveUp(
    context: ClientContext,
    session: SessionRecord,
    participants: readonly Participant[],
    named: string | null,
  ): Promise<void>;
}
