import { EncodingError } from '@ckm/foundation';
import type { Codec, Fault, Incoming, Outgoing, PartyIndex } from '@ckm/threshold';
import type { Heard, RoomStep, Said } from './room.js';

/** What a peer said in a protocol; null: nothing that an honest party says. */
export function readMessage<M>(codec: Codec<M>, payload: Uint8Array): M | null {
  try {
    return codec.decode(payload);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

/** What was heard in a round, where whoever sits in a seat is the party of that number. */
export function inboxOf<M>(codec: Codec<M>, round: number, heard: readonly Heard[]): readonly Incoming<M>[] {
  return heard.flatMap(({ from, payload }) => {
    const body = readMessage(codec, payload);
    return body === null ? [] : [{ from: from as PartyIndex, round, body }];
  });
}

/** What a step says, where everything is for everybody. */
export function saidToAll<M>(codec: Codec<M>, outbox: readonly Outgoing<M>[]): readonly Said[] {
  return outbox.map(({ round, body }) => ({ round, to: 0, payload: codec.encode(body) }));
}

/** The end of a session in which whoever sits in a seat is the party of that number. */
export function abortedBy({ code, round, culprits }: Fault): RoomStep {
  return { kind: 'aborted', fault: { code, round, culprits: [...culprits] } };
}
