import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex, reveal, secret } from '@ckm/foundation';
import { createIdentity, type Identity } from '@ckm/gordian';
import { dkgProtocol } from '@ckm/threshold';
import { IDENTITY_FILE } from '../server/folder/data-dir.js';
import type { KeySecrets } from '../sessions/keys/stored/read-key.js';
import { openSession } from '../sessions/session/session-record.js';
import { openRecord } from '../vault/sealed-record.js';
import { fromColumns } from '../storage/database.js';
import { SQLITE_FILE } from '../server/database/open-storage.js';
import type { Rows, TableName } from '../storage/storage.js';
import { createVault } from '../vault/create-vault.js';
import { EPOCH_KEYS_FOLDER } from '../vault/epoch-key-name.js';
import { openEpochKeys } from '../vault/epoch-keys.js';
import { parseKeyFile, readPrivateFile } from '../vault/key-file.js';
import { KEY_FILE } from '../vault/key-source.js';
import type { Vault } from '../vault/vault.js';
import { openDatabaseFile } from './database-file.js';
import { random } from './rooms.js';

/** The vault of a server whose storage key lies in a file. */
export function openVaultOf(dataDir: string): Vault {
  return createVault(parseKeyFile(readPrivateFile(join(dataDir, KEY_FILE))), random);
}

/** Who a server is, with its secret keys. */
export function openIdentityOf(dataDir: string): Identity {
  const vault = openVaultOf(dataDir);
  return createIdentity(secret(vault.openFile(IDENTITY_FILE, readPrivateFile(join(dataDir, IDENTITY_FILE)))));
}

/** What a session of key generation keeps begins with the seed of the static key; the protocol's state follows. */
const SEED_BYTES = 32;

/** Every secret of keys and their making that a server has stored at the moment, by what it is and its own hex. */
export type StoredSecrets = ReadonlyMap<string, Uint8Array>;

/** Opens every key and session in a copy of the database. @param dataDir of a server that writes nothing meanwhile */
export function storedSecrets(dataDir: string, vault: Vault = openVaultOf(dataDir)): StoredSecrets {
  const found = new Map<string, Uint8Array>();
  const add = (what: string, bytes: Uint8Array) => void found.set(`${what} ${encodeHex(bytes)}`, bytes);
  const addState = (bytes: Uint8Array) => {
    for (const [what, value] of secretsOfState(bytes)) add(what, value);
  };
  const epochKeys = openEpochKeys({ dataDir, epochKeys: null }, vault, random);
  for (const row of rowsOf(dataDir, 'shares')) {
    const { share, pending, staticSeed } = openRecord<KeySecrets>(epochKeys.find(row), 'shares', row);
    if (staticSeed !== null) add('static seed', staticSeed);
    if (share !== null) add('share', share);
    if (pending !== null) addState(pending);
  }
  for (const row of rowsOf(dataDir, 'sessions')) {
    const { secrets } = openSession({ vault, epochKeys }, row).record;
    if (secrets === null) continue;
    add('static seed', secrets.subarray(0, SEED_BYTES));
    if (secrets.length > SEED_BYTES) addState(secrets.subarray(SEED_BYTES));
  }
  return found;
}

function secretsOfState(bytes: Uint8Array): readonly (readonly [string, Uint8Array])[] {
  const state = dkgProtocol.state.decode(bytes);
  const bare = (value: Parameters<typeof reveal>[0]) => reveal(value, 'search for it') as Uint8Array;
  if (state.round === 2) return [['share', bare(state.share)]];
  const staticSecret = ['static secret', bare(state.staticSecret)] as const;
  if (state.round === 0) return [staticSecret, ['root', bare(state.root)]];
  const points = bare(state.staticPoints);
  const length = points.length / state.params.quorum.of;
  const each = state.params.roster.map((_, i) => points.slice(i * length, (i + 1) * length));
  return [
    staticSecret,
    ['hedge', bare(state.hedge)],
    ...each.map((point) => ['static point', point] as const),
  ];
}

/** Rows of a copy: to open the database itself would repair what a crash left, or disturb a server that runs. */
export function rowsOf<T extends TableName>(dataDir: string, table: T): readonly Rows[T][] {
  const copy = mkdtempSync(join(tmpdir(), 'ckm-look-'));
  for (const name of readdirSync(dataDir).filter((file) => file.startsWith(SQLITE_FILE)))
    cpSync(join(dataDir, name), join(copy, name));
  const database = openDatabaseFile(join(copy, SQLITE_FILE));
  try {
    const rows = database.prepare(`select * from ${table}`).all();
    return rows.map((row) => fromColumns(table, row as object));
  } finally {
    database.close();
    rmSync(copy, { recursive: true, force: true });
  }
}

/** A file of a data directory as it lies on the disk. */
export function filesOf(dataDir: string): readonly (readonly [string, Buffer])[] {
  return [dataDir, join(dataDir, EPOCH_KEYS_FOLDER)].flatMap((folder) => {
    const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
    const files = entries.filter((entry) => entry.isFile());
    return files.map(({ name }) => [name, readFileSync(join(folder, name))] as const);
  });
}

/** The ways in which bytes get into texts and files: as they are, backwards, as text, as numbers. */
export function spellings(bytes: Uint8Array): readonly Buffer[] {
  const orders = [bytes, bytes.toReversed()];
  return orders.flatMap((order) => {
    const hex = encodeHex(order);
    const texts = [
      hex,
      hex.toUpperCase(),
      ...inBase64(order),
      BigInt(`0x${hex}`).toString(),
      order.join(),
      [...order].map((byte, at) => `"${at}":${byte}`).join(),
    ];
    return [Buffer.from(order), ...texts.map((text) => Buffer.from(text))];
  });
}

/** Base64 of bytes wherever they stand in something longer: the letters that depend on them alone. */
function inBase64(bytes: Uint8Array): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes]);
    const [first, end] = [Math.ceil((8 * before) / 6), Math.floor((8 * padded.length) / 6)];
    return (['base64', 'base64url'] as const).map((encoding) => padded.toString(encoding).slice(first, end));
  });
}

/** Which of the secrets stand in which of the places, in any spelling. */
export function leaks(
  secrets: StoredSecrets,
  places: readonly (readonly [string, Uint8Array])[],
): readonly string[] {
  const found: string[] = [];
  for (const [what, bytes] of secrets) {
    const forms = spellings(bytes);
    for (const [where, content] of places) {
      const place = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
      if (forms.some((form) => place.includes(form)))
        found.push(`${what.replace(/ [0-9a-f]+$/, '')} in ${where}`);
    }
  }
  return found;
}
