import { encodeHex, PolicyError } from '@ckm/foundation';
import { bitcoinAddress } from '@ckm/requests';
import type { CertifiedKey, Client } from '@ckm/client';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { parseWhole } from '../command-line/option-values.js';
import { leaf, run } from '../command-line/run.js';
import { showQr } from '../sheet/show-qr.js';
import { openOwner } from '../owner/open-owner.js';

/** `ckm address KEY` */
export function addressCommand(): Command {
  return leaf('address', 'the next fresh address of a key for bitcoin')
    .argument('<key>', 'what you call the key: see ckm key list')
    .option(
      '--index <number>',
      'this one again, whoever has it (default: the next that was never handed out here)',
    )
    .option('--qr', 'also as a QR code, on stderr, for a camera')
    .option('--change', 'a change address; the first one, where no --index is given')
    .action(run(address));
}

interface Flags {
  readonly index?: string;
  readonly qr?: true;
  readonly change?: true;
}

const LAST_INDEX = 2 ** 31 - 1;
/** How far wallets look behind the last address that was paid to. Source: BIP-44, address gap limit. */
const LOOKED_AHEAD = 20;
const GAP_NOTE =
  '  most wallets look 20 addresses beyond the last one that was paid to: see that yours finds this one, or use --index';

const FETCHED_NOTE =
  '  this key was fetched from its servers: what was handed out before, or elsewhere, is not known here; a wallet that watches the key shows which addresses were paid to: name a later one with --index';

/** What this home knows of a fresh address. */
function freshText({ record: { fetchedAt } }: CertifiedKey): string {
  return fetchedAt === undefined
    ? 'never handed out here before'
    : 'not handed out since the key was fetched here';
}

/** A preview hands nothing out. */
function nextIndex({ flags }: Context, client: Client, { record }: CertifiedKey): Promise<number> {
  if (flags.preview === true) return Promise.resolve(record.addressesShown ?? 0);
  return client.takeAddressIndex(record.name);
}

function notCompared(name: string): string {
  return `  its likeness was never compared with its operators: ckm key compare ${name}`;
}

async function address(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal } = context;
  const wanted = given.index === undefined ? null : parseWhole('--index', given.index, 0, LAST_INDEX);
  const client = await openOwner(context);
  const key = await client.usableKey(name);
  if (key.purpose !== 'bitcoin') {
    throw new PolicyError(`key ${name} is not for bitcoin`, {
      code: 'REQUEST_KIND_NOT_FOR_KEY',
      hint: 'name a key that was made with --for bitcoin',
      retryable: false,
    });
  }
  const chain = given.change === true ? 'change' : 'receive';
  const isFresh = wanted === null && chain === 'receive';
  const index = isFresh ? await nextIndex(context, client, key) : (wanted ?? 0);
  const found = bitcoinAddress(key.public, chain, index, key.record.network ?? 'bitcoin');
  const grouped = (found.address.match(/.{1,4}/g) ?? []).join(' ');
  terminal.talk(`  ${chain} #${index}   ${grouped}${isFresh ? `   ${freshText(key)}` : ''}`);
  if (given.qr === true) await showQr(terminal, `bitcoin:${found.address}`);
  if (key.record.comparison === undefined) terminal.talk(notCompared(name));
  if (isFresh && index >= LOOKED_AHEAD) terminal.talk(GAP_NOTE);
  if (isFresh && key.record.fetchedAt !== undefined) terminal.warn(FETCHED_NOTE);
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
