import { encodeHex, PolicyError } from '@ckm/foundation';
import { bitcoinAddress } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { parseWhole } from '../command-line/option-values.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';

/** `ckm address KEY` */
export function addressCommand(): Command {
  return leaf('address', 'an address of a key for bitcoin')
    .argument('<key>', 'what you call the key: see ckm key list')
    .option('--index <number>', 'which one', '0')
    .option('--change', 'a change address')
    .action(run(address));
}

interface Flags {
  readonly index: string;
  readonly change?: true;
}

const LAST_INDEX = 2 ** 31 - 1;

async function address(context: Context, name: string, given: Flags): Promise<void> {
  const { terminal } = context;
  const index = parseWhole('--index', given.index, 0, LAST_INDEX);
  const key = await (await openOwner(context)).usableKey(name);
  if (key.purpose !== 'bitcoin') {
    throw new PolicyError(`key ${name} is not for bitcoin`, {
      code: 'REQUEST_KIND_NOT_FOR_KEY',
      hint: 'name a key that was made with --for bitcoin',
      retryable: false,
    });
  }
  const chain = given.change === true ? 'change' : 'receive';
  const found = bitcoinAddress(key.public, chain, index, key.record.network ?? 'bitcoin');
  const grouped = (found.address.match(/.{1,4}/g) ?? []).join(' ');
  terminal.talk(`  ${grouped}`);
  terminal.result(found.address, {
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
