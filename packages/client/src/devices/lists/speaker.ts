import { deviceId } from '@ckm/api';
import type { Secret } from '@ckm/foundation';
import { type Identity, wipeIdentity, type Xid } from '@ckm/gordian';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import { identityForServer } from '../../seed/identity.js';
import type { ServerRecord } from '../../servers/server-record.js';

/** Whoever speaks to one server of an account: this client, or its owner's words for once. */
export interface Speaker {
  readonly server: ServerRecord;
  readonly link: ServerLink;
  /** XID of the owner there. */
  readonly account: Xid;
  /** Signs lists of devices. */
  readonly identity: Identity;
  /** 32 bytes: the id of that key in a list. */
  readonly id: Uint8Array;
  /** Whether it is the words that sign, as they do where they lie here. */
  readonly isWords: boolean;
}

/**
 * Lets somebody speak to a server for as long as work goes on.
 * @param words typed for this alone; null: whoever this client is
 */
export async function speakTo<T>(
  context: ClientContext,
  server: ServerRecord,
  words: Secret<Uint8Array> | null,
  work: (speaker: Speaker) => Promise<T>,
): Promise<T> {
  if (words === null) {
    const identity = await context.identityFor(server.xid);
    const isWords = (await context.owner()).words !== null;
    return work(speakerOf(server, await context.linkTo(server), identity, isWords));
  }
  const identity = identityForServer(words, server.xid);
  try {
    return await work(speakerOf(server, context.linkAs(identity, server), identity, true));
  } finally {
    wipeIdentity(identity);
  }
}

function speakerOf(server: ServerRecord, link: ServerLink, identity: Identity, isWords: boolean): Speaker {
  return { server, link, account: identity.xid, identity, id: deviceId(identity.publicKeys), isWords };
}
