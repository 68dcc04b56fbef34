import { encodeHex, PolicyError } from '@ckm/foundation';
import { bitcoinAddress, isSingleKey, type WalletChain } from '@ckm/requests';
import { type AddressOffer, type CertifiedKey, type Client, type HandedOut, offerAddress } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { optionInvalid, parseWhole } from '../command-line/option-values.js';
import { leaf, run } from '../command-line/run.js';
import { showQr } from '../sheet/show-qr.js';
import { openOwner } from '../owner/open-owner.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';

/** `ckm address KEY` */
export function addressCommand(): Command {
  return leaf('address', 'the next fresh address of a key for bitcoin')
    .argument('<key>', 'what you call the key: see ckm key list')
    .option('--index <number>', 'this one, whoever has it; the next one comes after it')
    .option('--note <text>', 'whom it is for, kept on this machine')
    .option('--list', 'those that were handed out here, with time and note')
    .option('--qr', 'also as a QR code, on stderr, for a camera')
    .option('--change', 'a change address; the first one, where no --index is given')
    .action(run(address));
}

interface Flags {
  readonly index?: string;
  readonly note?: string;
  readonly list?: true;
  readonly qr?: true;
  readonly change?: true;
}

const LAST_INDEX = 2 ** 31 - 1;
const LONGEST_NOTE = 200;
/** How far wallets look behind the last address that was paid to. Source: BIP-44, address gap limit. */
const LOOKED_AHEAD = 20;
const GAP_NOTE =
  '  most wallets look 20 addresses beyond the last one that was paid to: see that yours finds this one, or use --index';

const FETCHED_NOTE =
  '  this key was fetched from its servers: what was handed out before, or elsewhere, is not known here; a wallet that watches the key shows which addresses were paid to: name a later one with --index';

/** What this home knows of an address it hands out. */
function offerText({ isNew, before }: AddressOffer, { record: { fetchedAt } }: CertifiedKey): string {
  if (before !== null) return `handed out ${handedOutText(before)}`;
  if (!isNew) return '';
  return fetchedAt === undefined
    ? 'never handed out here before'
    : 'not handed out since the key was fetched here';
}

function handedOutText({ at, note }: HandedOut): string {
  const when = formatInstant(at, unixNow());
  return note === null ? when : `${when}: ${plainText(note)}`;
}

/** A preview hands nothing out. */
async function offer(
  { flags }: Context,
  client: Client,
  { record }: CertifiedKey,
  { note }: Flags,
  index: number | null,
): Promise<AddressOffer> {
  const wish = { ...(index === null ? {} : { index }), ...(note === undefined ? {} : { note }) };
  return flags.preview === true ? offerAddress(record, wish) : client.handOutAddress(record.name, wish);
}

function notCompared(name: string): string {
  return `  its likeness was never compared with its operators: ckm key compare ${name}`;
}

/** Flags that would do nothing are refused: somebody relies on them. @throws UsageError `OPTION_INVALID` */
function assertFlagsFit({ index, note, list, qr, change }: Flags): void {
  if (list === true && [index, note, qr, change].some((one) => one !== undefined))
    throw optionInvalid('--list shows all, and hands nothing out', 'leave the other options out');
  if (change === true && note !== undefined)
    throw optionInvalid('a change address is for nobody, so it takes no note', 'leave one of them out');
  if (note !== undefined && note.length > LONGEST_NOTE)
    throw optionInvalid(`--note has at most ${LONGEST_NOTE} letters`, 'write less');
}

async function bitcoinKey(client: Client, name: string): Promise<CertifiedKey> {
  const key = await client.usableKey(name);
  if (key.purpose === 'bitcoin') return key;
  throw new PolicyError(`key ${name} is not for bitcoin`, {
    code: 'REQUEST_KIND_NOT_FOR_KEY',
    hint: 'name a key that was made with --for bitcoin',
    retryable: false,
  });
}

async function address(context: Context, name: string, given: Flags): Promise<void> {
  const wanted = given.index === undefined ? null : parseWhole('--index', given.index, 0, LAST_INDEX);
  assertFlagsFit(given);
  const client = await openOwner(context);
  const key = await bitcoinKey(client, name);
  if (given.list === true) listHandedOut(context, key);
  else if (given.change === true) await show(context, key, { chain: 'change', index: wanted ?? 0, given });
  else await handOut(context, key, await offer(context, client, key, given, numberFor(key, wanted)), given);
}

/** A single key has one address, which everybody gets. @throws UsageError `ADDRESS_INDEX_INVALID` */
function numberFor(key: CertifiedKey, wanted: number | null): number | null {
  if (!isSingleKey(key.public)) return wanted;
  bitcoinAddress(key.public, 'receive', wanted ?? 0);
  return 0;
}

async function handOut(context: Context, key: CertifiedKey, made: AddressOffer, given: Flags): Promise<void> {
  const { terminal } = context;
  const { index, isNew, count } = made;
  await show(context, key, { chain: 'receive', index, given, text: offerText(made, key) });
  if (isNew && count <= index)
    terminal.warn(
      `  so far from the others that the next one is #${count} all the same: few wallets look there`,
    );
  else if (isNew && index >= LOOKED_AHEAD) terminal.talk(GAP_NOTE);
  if (isNew && given.index === undefined && key.record.fetchedAt !== undefined) terminal.warn(FETCHED_NOTE);
}

async function show(
  { terminal }: Context,
  key: CertifiedKey,
  shown: {
    readonly chain: WalletChain;
    readonly index: number;
    readonly given: Flags;
    readonly text?: string;
  },
): Promise<void> {
  const { chain, index, given, text = '' } = shown;
  const { name } = key.record;
  const found = bitcoinAddress(key.public, chain, index, key.record.network ?? 'bitcoin');
  const head = `  ${chain} #${index}   `;
  terminal.talk(`${head}${(found.address.match(/.{1,4}/g) ?? []).join(' ')}`);
  // Behind the groups it would be broken on nearly every terminal.
  if (text !== '') terminal.talk(`${' '.repeat(head.length)}${text}`);
  if (given.qr === true) await showQr(terminal, `bitcoin:${found.address}`);
  if (key.record.comparison === undefined) terminal.talk(notCompared(name));
  terminal.copied(found.address, {
    key: name,
    chain,
    index,
    address: found.address,
    path: found.path,
    script: encodeHex(found.script),
    internalKey: encodeHex(found.internalKey),
    fingerprint: found.fingerprint,
  });
}

function listHandedOut({ terminal }: Context, key: CertifiedKey): void {
  const { handedOut = [], network } = key.record;
  const listed = handedOut
    .toSorted((a, b) => a.index - b.index)
    .map((one) => {
      const found = bitcoinAddress(key.public, 'receive', one.index, network ?? 'bitcoin');
      return { ...one, address: found.address };
    });
  const next = offerAddress(key.record, {}).index;
  const rows = listed.map((one) => [`#${one.index}`, one.address, handedOutText(one)]);
  terminal.talk(`  the next one is #${next}`);
  terminal.copied(formatTable(rows), { key: key.record.name, next, handedOut: listed });
}
