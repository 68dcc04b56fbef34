import { changeIdOf, type Client } from '@ckm/client';
import { encodeHex } from '@ckm/foundation';

/** A ceremony, a change or a request that goes on. */
export interface OpenTrack {
  readonly id: string;
  readonly what: string;
  resume(client: Client): Promise<unknown>;
  /** @param isStuck whether a key is given up by its name */
  cancel(client: Client, isStuck: boolean): Promise<unknown>;
}

const REASON = 'the schedule is over';

/** Everything of an owner that goes on, as it is on record. */
export async function openTracks(client: Client): Promise<readonly OpenTrack[]> {
  return [...(await openChanges(client)), ...(await openSessions(client)), ...(await openRequests(client))];
}

async function openChanges(client: Client): Promise<readonly OpenTrack[]> {
  const open = (await client.listChanges()).filter(({ state }) => state === 'open');
  return open.map((change) => {
    const id = encodeHex(changeIdOf(change));
    return {
      id,
      what: `changing ${change.keyName}`,
      resume: (of) => of.resumeSession(id),
      cancel: async (of) => {
        const now = await of.findChange(id);
        return now === null ? null : of.cancelChange(now, REASON);
      },
    };
  });
}

async function openSessions(client: Client): Promise<readonly OpenTrack[]> {
  const open = (await client.listSessions()).filter(({ state }) => state === 'open');
  // One that moves the shares of a change goes on and ends with that change.
  const own = open.filter(({ proposal }) => proposal.kind !== 'reshare');
  return own.map((session) => {
    const id = encodeHex(session.sessionId).slice(0, 16);
    const isNew = session.proposal.kind === 'dkg';
    return {
      id,
      what: `${isNew ? 'making' : 'repairing'} ${session.keyName}`,
      resume: (of) => of.resumeSession(id),
      cancel: (of, isStuck) =>
        of.cancelSession(id, REASON, isStuck && isNew ? { forget: session.keyName } : {}),
    };
  });
}

async function openRequests(client: Client): Promise<readonly OpenTrack[]> {
  const open = (await client.listRequests()).filter(({ state }) => state === 'open');
  return open.map((request) => {
    const id = encodeHex(request.requestId).slice(0, 16);
    return {
      id,
      what: `signing with ${request.keyName}`,
      resume: async (of) => (await of.prepareAgain(id, { waitSeconds: 0 })).sign(),
      cancel: (of) => of.cancelRequest(id, REASON),
    };
  });
}
