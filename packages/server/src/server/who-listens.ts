import { get as httpGet, type IncomingMessage } from 'node:http';
import { get as httpsGet } from 'node:https';
import { join } from 'node:path';
import { identityCard } from '@ckm/api';
import { CkmError, concatBytes, decodeUtf8, equalBytes, secret, wipe } from '@ckm/foundation';
import {
  createIdentity,
  createXidDocument,
  parseEnvelopeUr,
  verifyXidDocument,
  wipeIdentity,
  type Xid,
} from '@ckm/gordian';
import type { ServerConfig } from '../config/config.js';
import { addressOf } from '../config/load-config.js';
import { listenFailed, OTHER_ADDRESS } from '../http/listen.js';
import { createRandom } from '../random.js';
import { createVault } from '../vault/create-vault.js';
import { readPrivateFile } from '../vault/key-file.js';
import type { KeySource } from '../vault/key-source.js';
import { IDENTITY_FILE } from './folder/data-dir.js';

/** Whoever listens there may be anything, and is not waited for long; a busy machine takes its time. */
const MOST_MS = 5_000;
const MOST_BYTES = 32_768;

const STOP_IT =
  'stop the other one before you start this copy: two at once are two machines of one server, and fork its keys';

/**
 * Why a server could not listen, with who has its address where that says so: this same server out of another folder, which must
 * not run twice, or another one.
 * @param failure what listening ended with; anything but a taken address comes back as it is
 */
export async function tellWhoListens(
  failure: unknown,
  config: Pick<ServerConfig, 'dataDir' | 'listen' | 'name' | 'tls'>,
  source: Pick<KeySource, 'sealed' | 'open'>,
): Promise<unknown> {
  if (!(failure instanceof CkmError) || failure.code !== 'LISTEN_FAILED') return failure;
  const cause = failure.cause as NodeJS.ErrnoException | undefined;
  if (cause?.code !== 'EADDRINUSE') return failure;
  const there = await whoAnswers(config);
  if (there === null) return failure;
  const own = await ownXid(config.dataDir, source).catch(() => null);
  const where = String(failure.facts['where']);
  if (own !== null && equalBytes(own, there.xid))
    return listenFailed(where, cause, {
      who: 'this same server runs there already, out of another folder',
      hint: STOP_IT,
    });
  if (own === null && there.name === config.name)
    return listenFailed(where, cause, {
      who: `a server that calls itself “${there.name}” too runs there`,
      hint: `if it is this same server, out of another folder: ${STOP_IT}; else ${OTHER_ADDRESS}`,
    });
  return listenFailed(where, cause, { who: `another server, “${there.name}”, listens there` });
}

interface Answering {
  readonly name: string;
  readonly xid: Xid;
}

/** Null: nobody who proves to be a server. */
async function whoAnswers({ tls, listen }: Pick<ServerConfig, 'listen' | 'tls'>): Promise<Answering | null> {
  const host = HERE[listen.host] ?? listen.host;
  const address = addressOf({ tls, listen: { ...listen, host } }, listen.port);
  try {
    const card = identityCard.parse(JSON.parse(decodeUtf8(await ask(`${address}/v1/identity`))));
    const document = verifyXidDocument(parseEnvelopeUr(card.document));
    return document === null ? null : { name: card.name, xid: document.xid };
  } catch {
    // It speaks no HTTP, or says something else: then nothing is known of it.
    return null;
  }
}

/** Where those are reached from here who listen at every address. */
const HERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** A document proves by its own signature whose it is; the certificate there is for a name that owners know. */
function ask(url: string): Promise<Uint8Array> {
  const options = { agent: false, signal: AbortSignal.timeout(MOST_MS) };
  return new Promise((resolve, reject) => {
    const take = (answer: IncomingMessage) => void readAtMost(answer).then(resolve, reject);
    const request = url.startsWith('https:')
      ? httpsGet(url, { ...options, rejectUnauthorized: false }, take)
      : httpGet(url, options, take);
    request.once('error', reject);
  });
}

/** What is longer is cut off, and then no card. */
async function readAtMost(answer: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES) break;
  }
  return concatBytes(...chunks);
}

/** Null where only a passphrase opens it. @throws StorageError `KEY_FILE_…`, `FILE_…` */
async function ownXid(dataDir: string, source: Pick<KeySource, 'sealed' | 'open'>): Promise<Xid | null> {
  if (source.sealed) return null;
  const { current, earlier } = await source.open(null);
  const vault = createVault(current, createRandom(), earlier);
  try {
    const seed = secret(vault.openFile(IDENTITY_FILE, readPrivateFile(join(dataDir, IDENTITY_FILE))));
    try {
      const identity = createIdentity(seed);
      const { xid } = createXidDocument(identity.publicKeys);
      wipeIdentity(identity);
      return xid;
    } finally {
      wipe(seed);
    }
  } finally {
    vault.wipe();
  }
}
