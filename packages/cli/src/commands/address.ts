import { encodeHex, UsageError } from '@ckm/foundation';
import { bitcoinAddress } from '@ckm/requests';
import type { Command } from 'commander';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../home/open-owner.js';

/** `ckm address KEY` */
export function addressCommand(): Command {
  return leaf('address', 'an address of a key for bitcoin')
    .argument('<key>')
    .option('--index <number>', 'which one', '0')
    .option('--change', 'a change address')
    .action(run(address));
}

interface Flags {
  readonly index: string;
  readonly change?: true;
}

async function address(context: Context, name: string, { index, change }: Flags): Promise<void> {
  const { terminal } = context;
  const key = await (await openOwner(context)).usableKey(name);
  if (key.purpose !== 'bitcoin') {
    throw new UsageError(`key ${name} is not for bitcoin`, {
      code: 'REQUEST_KIND_NOT_FOR_KEY',
      hint: 'name a key that was made with --for bitcoin',
    });
  }
  const chain = change === true ? 'change' : 'receive';
  const found = bitcoinAddress(key.public, chain, Number(index), key.record.network ?? 'bitcoin');
  const grouped = (found.address.match(/.{1,4}/g) ?? []).join(' ');
  terminal.talk(`  ${grouped}`);
  terminal.result(found.address, {
    key: name,
    chain,
    index: Number(index),
    address: found.address,
    path: found.path,
    script: encodeHex(found.script),
    internalKey: encodeHex(found.internalKey),
    fingerprint: found.fingerprint,
  });
}
