import { assertSettings, assertUnused, type ConfigFileInput, initServer } from '@ckm/server';
import { CkmError, encodeHex, UsageError, wipe } from '@ckm/foundation';
import { type Command, Option } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../../command-line/context.js';
import { optionInvalid } from '../../command-line/option-values.js';
import { run } from '../../command-line/run.js';
import { ownersLine, tellOwners } from '../../operator/owners-line.js';
import { operatorLeaf } from '../../operator/operator-leaf.js';
import { askNewServerPassphrase } from '../../operator/passphrase-bytes.js';
import { serverXid } from '../../operator/server-xid.js';
import { formatLikeness, likenessObject } from '../../terminal/likeness.js';
import type { Terminal } from '../../terminal/terminal.js';

/** `ckm server init` */
export function serverInitCommand(): Command {
  return operatorLeaf('init', 'make a new server: its identity, its storage key and config.json')
    .requiredOption('--name <name>', 'what it calls itself')
    .option('--listen <host:port>', 'where it listens', '127.0.0.1:8470')
    .option('--url <url>', 'how owners reach it (else made from --listen)')
    .addOption(
      new Option('--accounts <who>', 'who may open an account')
        .choices(['open', 'invite', 'closed'])
        .default('invite'),
    )
    .addOption(
      new Option(
        '--backup <how>',
        'static: you also take keys whose lost shares the identity file gives back, if their owners want it',
      )
        .choices(['epoch', 'static'])
        .default('epoch'),
    )
    .addOption(
      new Option('--approval <how>', 'operator: you say yes to every signature')
        .choices(['automatic', 'operator'])
        .default('automatic'),
    )
    .option('--sealed', 'protect the storage key with a passphrase, which each start then needs')
    .option('--tls-certificate <file>', 'PEM chain; the server then speaks https')
    .option('--tls-key <file>', 'PEM key of the certificate')
    .action(run(init));
}

interface Flags {
  readonly name: string;
  readonly listen: string;
  readonly url?: string;
  readonly accounts: 'open' | 'invite' | 'closed';
  readonly backup: 'epoch' | 'static';
  readonly approval: 'automatic' | 'operator';
  readonly sealed?: true;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
}

async function init(context: Context, folder: string, flags: Flags): Promise<void> {
  const { terminal } = context;
  const dataDir = resolve(folder);
  const settings = checkedSettings(flags);
  // Before anybody types a passphrase.
  assertUnused(dataDir);
  const sealed = flags.sealed === true || context.flags.passphraseFile !== undefined;
  if (context.flags.preview === true) {
    terminal.result(
      `would make the server ${flags.name} in ${dataDir}${sealed ? ', under a passphrase' : ''}:\n${JSON.stringify(settings, null, 2)}`,
      { preview: true, dataDir, sealed, settings },
    );
    return;
  }
  const passphrase = sealed ? await askNewServerPassphrase(context) : undefined;
  try {
    const { document } = await initServer({
      dataDir,
      settings,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    const xid = serverXid(document);
    const made = `server made in ${dataDir}; owners compare this before they trust it:`;
    terminal.result(`${made}\n\n${formatLikeness(terminal, flags.name, xid)}\n`, {
      name: flags.name,
      dataDir,
      sealed,
      xid: encodeHex(xid),
      likeness: likenessObject(xid),
      document,
    });
    terminal.talk(`next: ckm server start ${folder}`);
    tellOwners(terminal, lineFor(terminal, flags, xid), flags.accounts, folder);
  } finally {
    if (passphrase !== undefined) wipe(passphrase);
  }
}

function lineFor(
  terminal: Terminal,
  { name, url, listen, tlsCertificate }: Flags,
  xid: Uint8Array,
): string | null {
  if (url === undefined && /^(0\.0\.0\.0|\[::\]):/.test(listen))
    terminal.warn(`owners cannot reach ${listen}: say how they do with --url, or "publicUrl" in config.json`);
  return ownersLine(name, url ?? `${tlsCertificate === undefined ? 'http' : 'https'}://${listen}`, xid);
}

/** Which flag a setting is made of. */
const FLAG_OF: Readonly<Record<string, string>> = { name: '--name', publicUrl: '--url', listen: '--listen' };

/** Refused before anything is asked or written, by the name of the flag: there is no file yet to correct. */
function checkedSettings(flags: Flags): ConfigFileInput {
  const settings = settingsOf(flags);
  try {
    assertSettings(settings);
    return settings;
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    const { setting, expected } = error.facts;
    const flag = FLAG_OF[String(setting).split('.')[0]!];
    if (flag === undefined) throw error;
    const { code } = error;
    throw new UsageError(`${flag}: ${String(expected)}`, {
      code,
      hint: `give another ${flag}`,
      cause: error,
    });
  }
}

function settingsOf(flags: Flags): ConfigFileInput {
  const { name, url, accounts, backup, approval, tlsCertificate, tlsKey } = flags;
  if ((tlsCertificate === undefined) !== (tlsKey === undefined)) {
    throw optionInvalid(
      'a certificate and its key belong together',
      'give both --tls-certificate and --tls-key, or neither',
    );
  }
  return {
    name,
    listen: parseListen(flags.listen),
    accounts,
    backup,
    policy: { approval },
    ...(url === undefined ? {} : { publicUrl: url }),
    ...(tlsCertificate === undefined || tlsKey === undefined
      ? {}
      : { tls: { certificateFile: resolve(tlsCertificate), keyFile: resolve(tlsKey) } }),
  };
}

/** `host:port`, `[::1]:port`. */
function parseListen(text: string): { readonly host: string; readonly port: number } {
  const [, host, port] = /^(?:\[(?=.*\]))?([^\s[\]/]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw optionInvalid(`--listen is not host:port`, 'write for example --listen 127.0.0.1:8470');
  }
  return { host, port: Number(port) };
}
