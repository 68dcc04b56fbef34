import { EVERYONE } from '@ckm/api';
import { PeerFaultError } from '@ckm/foundation';
import type { Data } from '@ckm/gordian';
import { type EchoOffer, encodeEchoParameters } from '@ckm/server/test';
import type { Ceremony, Ending } from '../sessions/ceremony.js';
import type { Participant } from '../servers/ask-all.js';

/** What an echo leaves: the hash of what slots 2 and 3 told slot 1 alone. */
export interface Echo {
  readonly kind: 'echo';
  readonly together: Uint8Array;
}

/** The twin of the servers' echo room: not everybody speaks in every round, some packets have one receiver, no key is made. */
export const echoCeremony: Ceremony<Echo> = {
  kind: 'echo',
  protocol: 'ckm/echo/v1',
  job: 'making',
  rounds: ['committing', 'telling one of us', 'telling all'],
  again: null,
  title: ({ proposal }) => `echoing ${proposal['text'] as string}`,
  details: ({ proposal }) => [['Text', proposal['text'] as string]],
  assemble(_session, offers) {
    const inOrder = [...offers].sort(([a], [b]) => a.slot - b.slot);
    return encodeEchoParameters(inOrder.map(([, offer]) => offer as unknown as EchoOffer));
  },
  plan: () => ({
    epoch: 7,
    speeches: [[{ from: [1, 2], to: EVERYONE }], [{ from: [2, 3], to: [1] }], [{ from: [1], to: EVERYONE }]],
  }),
  findFault: () => null,
  conclude,
  giveUp: async () => undefined,
};

async function conclude({ participants, gather, handOut }: Ending): Promise<Echo> {
  const results = new Map<Participant, Data>();
  await gather('hearing the echo', {
    missing: () => participants.filter((one) => !results.has(one)),
    ask: async (participant) => {
      const { result } = await handOut(participant);
      if (result !== null) results.set(participant, result['together']!);
    },
  });
  const [together, ...others] = [...results.values()] as Uint8Array[];
  if (others.some((one) => Buffer.compare(one, together!) !== 0)) throw differs();
  return { kind: 'echo', together: together! };
}

function differs(): PeerFaultError {
  return new PeerFaultError('servers heard different echoes', {
    code: 'FAULT_ECHO',
    hint: 'ask their operators',
  });
}
