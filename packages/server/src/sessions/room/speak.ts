import {
  parsePacket,
  previousHash,
  sealPayload,
  signPacket,
  type Packet,
  isPlanned,
  tellers,
  toldBefore,
} from '@ckm/api';
import { BugError } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { Mark, PacketScope } from './packet-log.js';
import type { Room, Said } from './room.js';

/**
 * The packet in which this server says something: sealed when it is for one slot alone, with the echo of what everybody
 * was told last, signed.
 * @param known packets kept so far, own ones included
 * @throws BugError `ROOM_OUT_OF_TURN` when the room speaks where it said nobody would
 */
export function speak(
  identity: Identity,
  room: Room,
  { seats, keyId, sessionId, protocol }: PacketScope,
  known: readonly Mark[],
  { round, to, payload }: Said,
): Packet {
  const { ownSlot: from, epoch } = seats;
  const header = { protocol, keyId, epoch, sessionId, round, from, to };
  const echoed = toldBefore(seats, round);
  const before = known.filter((mark) => mark.round === echoed && mark.to === 0);
  const hasHeardAll = echoed === null || before.length === tellers(seats, echoed).length;
  const fits = payload.length <= room.payloadLimit(round);
  if (!isPlanned(seats, header) || !hasHeardAll || !fits) throw outOfTurn();
  const sealed = to === 0 ? payload : sealPayload(identity, seats.sealingKeys[to - 1]!, header, payload);
  return parsePacket(signPacket(identity, { ...header, previous: previousHash(before), payload: sealed }));
}

function outOfTurn(): BugError {
  return new BugError('a ceremony says something where it said that nobody would', {
    code: 'ROOM_OUT_OF_TURN',
    hint: 'report this: a protocol does not keep its own order',
  });
}
