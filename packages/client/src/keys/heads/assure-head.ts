import { headStatement, parseHead, verifyIdentityStatement } from '@ckm/api';
import { CkmError } from '@ckm/foundation';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Participant } from '../../servers/ask-all.js';
import { gatherAcknowledgements } from '../gather-acknowledgements.js';
import { showEpochs } from '../chain/show-epochs.js';
import { certificatesOf } from '../chain/key-chain.js';
import type { CertifiedKey } from '../key-record.js';
import { rosterOf } from '../roster.js';

/**
 * A link to a server of a key that gets on where the server came back from an older state: the others are asked how far the key is, it is
 * shown what they say, and is asked again.
 * @param tell hears of it, once
 */
export function assuringLink(
  context: ClientContext,
  key: CertifiedKey,
  participant: Participant,
  link: ServerLink,
  tell: (text: string) => void = () => undefined,
): ServerLink {
  let assured: Promise<void> | undefined;
  async function assure(): Promise<void> {
    if (!(await assureHead(context, key, participant, link))) return;
    const { name: server } = participant.server;
    tell(`${server} came back from an older state: the others have told it how far ${key.record.name} is`);
  }
  return {
    call: async (name, parameters, options) => {
      try {
        return await link.call(name, parameters, options);
      } catch (error) {
        if (!(error instanceof CkmError) || error.code !== 'KEY_HEAD_UNKNOWN') throw error;
      }
      assured ??= assure();
      await assured;
      return link.call(name, parameters, options);
    },
  };
}

/** Does so for every server of a key that asks, before they are to do something with it together. Whom that does not help says so later. */
export async function assureHeads(context: ClientContext, key: CertifiedKey): Promise<void> {
  await Promise.all(
    (await rosterOf(context, key)).map(async (participant) => {
      try {
        await assureHead(context, key, participant, await context.linkTo(participant.server));
      } catch (error) {
        if (!(error instanceof CkmError) || error.errorClass === 'BugError') throw error;
      }
    }),
  );
}

/**
 * Brings a server to the epoch of this client, and shows it what the other servers say of how far the key is.
 * @returns whether it asked
 * @throws StateError `HEADS_TOO_FEW`, `KEY_EPOCH_DIFFERS`, `CHANGE_SHARE_LOST`, as the server words it
 */
async function assureHead(
  context: ClientContext,
  key: CertifiedKey,
  { slot: own }: Participant,
  link: ServerLink,
): Promise<boolean> {
  const { keyId } = key;
  const asked = await link.call('key.head', { keyId, nonce: context.random(32) });
  if (asked.asks === null) return false;
  const { epoch } = parseHead(asked.head);
  const others = (await rosterOf(context, key)).filter(({ slot }) => slot !== own);
  const certificates = certificatesOf(key.record);
  if (epoch < key.newest.params.epoch) {
    const said = await gatherAcknowledgements(context, { newest: key.newest, certificates }, others);
    await showEpochs(link, keyId, certificates.slice(epoch + 1), said);
  }
  const nonce = asked.asks;
  const said = await Promise.all(
    others.map(async ({ slot, server }) => {
      try {
        const { head, signature } = await (await context.linkTo(server)).call('key.head', { keyId, nonce });
        const isIts = verifyIdentityStatement(
          server.publicKeys.signing.bytes,
          headStatement(head),
          signature,
        );
        return isIts ? [{ slot, head, signature }] : [];
      } catch (error) {
        // Whoever is silent or refuses says nothing: the server counts who did.
        if (error instanceof CkmError && error.errorClass !== 'BugError') return [];
        throw error;
      }
    }),
  );
  await link.call('key.heads', { keyId, heads: said.flat() });
  return true;
}
