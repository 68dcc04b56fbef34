import {
  type InvitingServer,
  type Parameters,
  readHeard,
  type Result,
  type SignedStatement,
  type SilenceView,
} from '@ckm/api';
import { equalBytes } from '@ckm/foundation';
import type { Identity } from '@ckm/gordian';
import type { ApproverKey } from '../approver/approver-key.js';
import { askServers, type Heard, type SilentHere } from '../approver/ask-servers.js';
import { type ApproverMeans, asApprover } from '../approver/look.js';
import { firstEpoch } from '../approver/matter.js';
import { shortId } from '../store/track.js';
import { withCurrentServers } from './current-servers.js';
import type { HeirKeyMeant } from './heir-link.js';

/** How one server of a key stands to the silence of its owner. */
export interface SilenceAt extends Omit<SilenceView, 'missing'> {
  readonly server: string;
  /** Names of servers whose word it has not; of one that nobody knows here the first digits of what it is. */
  readonly missing: readonly string[];
}

/** What the servers of a key say to somebody whom its terms name. */
export interface KeySilence {
  readonly keyName: string;
  readonly keyId: Uint8Array;
  /** What the terms call him. */
  readonly name: string;
  readonly servers: readonly SilenceAt[];
  readonly silent: readonly SilentHere[];
  /** What so many servers grant as use it together; empty: nothing yet. */
  readonly granted: SilenceView['granted'];
}

type Asked = Result<'heir.ask'>;
const NOT_NAMED = 'HEIR_UNKNOWN';

/** Which key it is, as far as its first certificate is known here. */
export function meantKey(key: ApproverKey): HeirKeyMeant {
  const epoch = key.certificate === null ? null : firstEpoch(key.certificate, key, 'owner');
  return { keyId: key.keyId, first: epoch?.transcriptHash ?? null };
}

/** For how long each server has heard nothing of the owner. Null: no server that answers names this approver for that. */
export async function lookAtKey(means: ApproverMeans, key: ApproverKey): Promise<KeySilence | null> {
  const { heard, silent } = await asApprover(means, key.keyId, async (me) => {
    const now = await withCurrentServers(means, me, key);
    return askServers(means, me, now, (link) => link.call('heir.look', meantKey(now), { introduce: true }));
  });
  if (heard.length === 0 && silent.every(({ code }) => code === NOT_NAMED)) return null;
  return silenceOf(
    key,
    heard.map(({ server, said }) => ({ server, view: said })),
    silent,
  );
}

/**
 * Asks every server of a key for it, and has each hear what the others say. What one of them has heard of the owner since, all others are told: whoever leaves
 * that out gains nothing, since it is the word of that server that would be missing then.
 */
export async function askForKey(means: ApproverMeans, invited: ApproverKey): Promise<KeySilence> {
  return asApprover(means, invited.keyId, async (me) => {
    const key = await withCurrentServers(means, me, invited);
    const meant = meantKey(key);
    const ask = (of: (server: InvitingServer) => Pick<Parameters<'heir.ask'>, 'nonces' | 'said'>) =>
      askServers(means, me, key, (link, server) =>
        link.call('heir.ask', { ...meant, ...of(server) }, { introduce: true }),
      );
    const opened = await ask(() => ({ nonces: [], said: [] }));
    await tellLife(means, me, key, opened);
    const nonces = opened.heard.flatMap(({ server, said: { nonce } }) =>
      nonce === null ? [] : [{ server, nonce }],
    );
    if (nonces.length === 0) return asked(key, opened);
    const answered = await ask((server) => ({
      nonces: nonces.filter((one) => one.server !== server).map(({ nonce }) => nonce),
      said: [],
    }));
    const words = answered.heard.flatMap(({ said }) => said.heard);
    if (words.length === 0) return asked(key, answered);
    return asked(
      key,
      await ask((server) => {
        const own = nonces.find((one) => one.server === server)?.nonce;
        return { nonces: [], said: own === undefined ? [] : words.filter((word) => isFor(word, own)) };
      }),
    );
  });
}

/** Says at every server of a key that its owner may live: what somebody asks for waits for its days anew, once for each who says so. */
export async function doubtSilence(means: ApproverMeans, key: ApproverKey): Promise<KeySilence> {
  const { heard, silent } = await asApprover(means, key.keyId, async (me) => {
    const now = await withCurrentServers(means, me, key);
    return askServers(means, me, now, (link) => link.call('heir.doubt', meantKey(now), { introduce: true }));
  });
  return silenceOf(
    key,
    heard.map(({ server, said }) => ({ server, view: said })),
    silent,
  );
}

function isFor(word: SignedStatement, nonce: Uint8Array): boolean {
  const heard = readHeard(word);
  return heard !== null && equalBytes(heard.nonce, nonce);
}

/** Where an owner has been heard, the others of the key hear it too. What becomes of it is seen by whoever asks again. */
async function tellLife(
  means: ApproverMeans,
  me: Identity,
  key: ApproverKey,
  { heard }: Heard<Asked>,
): Promise<void> {
  for (const { server, said } of heard) {
    for (const alive of said.alive) {
      const others = key.servers.filter((one) => one !== server);
      await askServers(means, me, { servers: others }, (link) =>
        link.call('alive.carry', { alive }, { introduce: true }),
      );
    }
  }
}

function asked(key: ApproverKey, { heard, silent }: Heard<Asked>): KeySilence {
  return silenceOf(
    key,
    heard.map(({ server, said }) => ({ server, view: said.view })),
    silent,
  );
}

function silenceOf(
  { keyName, keyId, name, servers }: ApproverKey,
  heard: readonly { readonly server: InvitingServer; readonly view: SilenceView }[],
  silent: readonly SilentHere[],
): KeySilence {
  const nameOf = (xid: Uint8Array) => servers.find((one) => equalBytes(one.xid, xid))?.name ?? shortId(xid);
  const at = heard.map(({ server, view }) => ({
    ...view,
    server: server.name,
    missing: view.missing.map(nameOf),
  }));
  return { keyName, keyId, name, servers: at, silent, granted: grantedBy(at) };
}

/** What as many servers grant as the largest quorum that any of them speaks of needs. */
function grantedBy(servers: readonly SilenceAt[]): KeySilence['granted'] {
  const needed = Math.max(2, ...servers.map(({ quorum }) => quorum.needed));
  const all = [...new Set(servers.flatMap(({ granted }) => granted))];
  return all.filter((may) => servers.filter(({ granted }) => granted.includes(may)).length >= needed);
}
