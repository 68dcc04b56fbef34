import { platformCarrier } from '#carrier';
import { type FreezePaper, parseFreezePaper, type Result } from '@ckm/api';
import { CkmError, equalBytes, secret } from '@ckm/foundation';
import { createIdentity, wipeIdentity, type Identity } from '@ckm/gordian';
import { createServerLink, type LinkMeans } from '../carrier/server-link.js';
import { fetchIntroduction } from '../introduction/identity-card.js';
import { identityChanged } from '../servers/identity-changed.js';

/** What one server says of a freeze that somebody brought. `refused`: also where it has been used. */
export interface CarriedTo {
  /** As it is called on the paper. */
  readonly server: string;
  readonly verdict: 'frozen' | 'refused' | 'silent';
  /** UnixSeconds, by its own clock; null: it is not frozen there, or nobody knows. */
  readonly until: number | null;
  /** One line for a person. */
  readonly text: string;
  readonly code: string | null;
}

/** What came of bringing a freeze that was kept on paper. */
export interface CarriedFreezePaper extends Pick<FreezePaper, 'key' | 'keyId' | 'stopping'> {
  /** Whether as many servers have it as had to when it was made. Where the key has other servers since, it says nothing of those. */
  readonly isStopped: boolean;
  readonly servers: readonly CarriedTo[];
}

export type CarryMeans = Partial<Pick<LinkMeans, 'carrier' | 'clock' | 'random' | 'timeoutMs'>>;

const TIMEOUT_MS = 15_000;

/**
 * Brings a freeze that was kept on paper to the servers that it names, by somebody who has nothing else: no account, no device, no record.
 * @param text whatever was read off the paper or its QR code
 * @throws EncodingError `FREEZE_PAPER_INVALID`
 */
export async function carryFreezePaper(text: string, means: CarryMeans = {}): Promise<CarriedFreezePaper> {
  const paper = parseFreezePaper(text);
  const {
    carrier = platformCarrier,
    clock = () => Math.floor(Date.now() / 1_000),
    random = (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    timeoutMs = TIMEOUT_MS,
  } = means;
  const seed = random(32);
  const stranger = createIdentity(secret(seed));
  seed.fill(0);
  try {
    const to = { carrier, clock, random, timeoutMs };
    const servers = await Promise.all(paper.servers.map((server) => bring(to, stranger, paper, server)));
    const { key, keyId, stopping } = paper;
    const have = servers.filter(({ verdict }) => verdict === 'frozen').length;
    return { key, keyId, stopping, isStopped: have >= stopping, servers };
  } finally {
    wipeIdentity(stranger);
  }
}

async function bring(
  means: LinkMeans,
  stranger: Identity,
  { freeze }: FreezePaper,
  server: FreezePaper['servers'][number],
): Promise<CarriedTo> {
  const { name, url, xid, authority = null } = server;
  try {
    const found = await fetchIntroduction(means.carrier, url, means.timeoutMs, authority);
    if (!equalBytes(found.xid, xid)) throw identityChanged(name);
    const { publicKeys } = found;
    const link = createServerLink(means, stranger, { name, url, authority, xid: found.xid, publicKeys });
    return { server: name, ...read(await link.call('freeze.carry', { freeze }, { introduce: true })) };
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const verdict = error.errorClass === 'AvailabilityError' ? 'silent' : 'refused';
    return { server: name, verdict, until: null, text: error.message, code: error.code };
  }
}

function read({ frozen }: Result<'freeze.carry'>): Omit<CarriedTo, 'server'> {
  if (frozen === null) return { verdict: 'refused', until: null, text: 'is not frozen there', code: null };
  return { verdict: 'frozen', until: frozen.until, text: 'does nothing with it', code: null };
}
