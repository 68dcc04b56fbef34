import {
  comparePlaces,
  type DevicesPlace,
  type DevicesView,
  MAX_DEVICES_LINKS,
  MAX_DEVICES_NUMBER,
} from '@ckm/api';
import { PeerFaultError } from '@ckm/foundation';
import { decodePublicKeys, type PublicKeys } from '@ckm/gordian';
import type { ServerLink } from '../../carrier/server-link.js';
import type { ClientContext } from '../../context/context.js';
import type { Speaker } from './speaker.js';
import {
  behind,
  emptyList,
  isSameList,
  type KnownList,
  linksBehind,
  readKnownList,
  saveKnownList,
} from './known-list.js';

/** The list of one server, and what it says of it. */
export interface ReadList extends KnownList {
  readonly said: Pick<DevicesView, 'since' | 'twice'>;
  /** Which list is in force there: an earlier one where the server was restored. */
  readonly at: DevicesPlace;
}

/** More pages than a generation can have are of a server that never ends. */
const MOST_PAGES = MAX_DEVICES_NUMBER / MAX_DEVICES_LINKS;

/**
 * Asks a server for the list of its devices, and follows it from what was known here. Nothing is written or told: a server that is behind what is
 * known is passed over as it is.
 * @throws PeerFaultError `FAULT_DEVICES_SHOWN`; as `ServerLink.call`
 */
export async function lookAtList(
  { store }: Pick<ClientContext, 'store'>,
  { server, link, account }: Speaker,
): Promise<ReadList> {
  const before = await readKnownList(store, server.xid);
  const shown = await showAll(link, before);
  const start = before ?? emptyList(server.xid, account, wordsIn(server.name, shown));
  if (start === null) throw shownFalsely(server.name, 'names other words than yours');
  const known = followed(server.name, start, shown);
  const { since, twice, generation, number } = shown;
  return { ...known, said: { since, twice }, at: { generation, number } };
}

/**
 * The same, and keeps what it shows. A server that is behind what was known, as one that was restored, is brought the lists that it lacks.
 * @throws as {@link lookAtList}
 */
export async function readList(context: Pick<ClientContext, 'store'>, speaker: Speaker): Promise<ReadList> {
  const seen = await lookAtList(context, speaker);
  await saveKnownList(context.store, seen);
  if (comparePlaces(seen.at, seen.list) >= 0) return seen;
  await bring(speaker.link, linksBehind(seen, seen.at));
  return lookAtList(context, speaker);
}

/** In pages; in order, none of them longer than servers take. */
async function bring(link: ServerLink, links: KnownList['links']): Promise<void> {
  for (let at = 0; at < links.length; at += MAX_DEVICES_LINKS) {
    const documents = links.slice(at, at + MAX_DEVICES_LINKS).map((one) => ({ ...one }));
    await link.call('device.update', { documents });
  }
}

async function showAll(link: ServerLink, known: KnownList | null): Promise<DevicesView> {
  let view = await link.call('device.show', { after: known === null ? null : placeOf(known) });
  const links = [...view.links];
  for (let page = 1; view.next !== null && page < MOST_PAGES; page++) {
    view = await link.call('device.show', { after: view.next });
    links.push(...view.links);
  }
  return { ...view, links };
}

/** @throws PeerFaultError `FAULT_DEVICES_SHOWN` where what is shown does not follow, or is another list under a number that is known */
function followed(server: string, start: KnownList, shown: DevicesView): KnownList {
  let known: KnownList;
  try {
    known = behind(start, shown.links);
  } catch (cause) {
    throw shownFalsely(server, 'shows a list of devices that no device of yours has signed', cause);
  }
  const isAhead = comparePlaces(shown, known.list) > 0;
  const isAnother = comparePlaces(shown, known.list) === 0 && !isSameList(known.list, shown.hash);
  if (isAhead) throw shownFalsely(server, 'names a list of devices that it does not show');
  if (isAnother) throw shownFalsely(server, 'has another list of devices under a number that is known here');
  return known;
}

function wordsIn(server: string, { words }: DevicesView): PublicKeys {
  try {
    return decodePublicKeys(words);
  } catch (cause) {
    throw shownFalsely(server, 'names keys of your words that cannot be read', cause);
  }
}

function placeOf({ list: { generation, number } }: KnownList) {
  return { generation, number };
}

function shownFalsely(server: string, what: string, cause?: unknown): PeerFaultError {
  return new PeerFaultError(`server ${server} ${what}`, {
    code: 'FAULT_DEVICES_SHOWN',
    hint: 'ask its operator; if it stays so, remove what you do not trust with the words: they begin the list anew',
    facts: { servers: [server] },
    cause,
  });
}
