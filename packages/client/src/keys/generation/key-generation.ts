import { allSpeak, type Packet } from '@ckm/api';
import {
  type DkgMessage,
  dkgProtocol,
  type Fault,
  findPublicFault,
  parseKeyParams,
  type PartyIndex,
} from '@ckm/threshold';
import { roundsOf } from '../../progress/job-steps.js';
import type { Ceremony } from '../../sessions/ceremony.js';
import { GENERATION } from '../free-name.js';
import { concludeGeneration, forgetKey, type GeneratedKey } from './conclude.js';
import { readGeneration } from './generation-record.js';
import { assembleParameters } from './offers.js';

const ROUNDS = roundsOf('making');

/** The making of a key, as the client of its owner carries it. */
export const keyGeneration: Ceremony<GeneratedKey> = {
  kind: GENERATION,
  protocol: dkgProtocol.id,
  job: 'making',
  rounds: ROUNDS,
  again: { kind: 'createKey' },
  title: ({ keyName }) => `making ${keyName}`,
  details(session) {
    const { quorum, purpose, suite } = readGeneration(session).proposal;
    return [['Makes', `${session.keyName}, ${quorum.needed} of ${quorum.of}, for ${purpose} (${suite})`]];
  },
  assemble: (session, offers) => assembleParameters(readGeneration(session).proposal, offers),
  plan(parameters) {
    const { epoch, roster } = parseKeyParams(parameters);
    const slots = roster.map(({ slot }) => slot);
    return { epoch, speeches: allSpeak(slots, ROUNDS.length) };
  },
  findFault,
  conclude: concludeGeneration,
  giveUp: forgetKey,
};

function findFault(parameters: Uint8Array, rounds: readonly (readonly Packet[])[]): Fault | null {
  const heard: DkgMessage[][] = [];
  for (const [round, packets] of rounds.entries()) {
    const messages = packets.map(({ payload }) => decode(payload));
    const culprits = messages.flatMap((message, i) => (message === null ? [(i + 1) as PartyIndex] : []));
    if (culprits.length > 0) return { code: 'FAULT_MALFORMED', round, culprits };
    heard.push(messages.filter((message) => message !== null));
  }
  return findPublicFault(parseKeyParams(parameters), heard);
}

function decode(payload: Uint8Array): DkgMessage | null {
  try {
    return dkgProtocol.message.decode(payload);
  } catch {
    return null;
  }
}
