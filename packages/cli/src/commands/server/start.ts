import { type RunningServer, startServer, type StartServerOptions } from '@ckm/server';
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Context } from '../../command-line/context.js';
import { run } from '../../command-line/run.js';
import { hasPassphrase } from '../../operator/has-passphrase.js';
import { operatorLeaf, operatorOf } from '../../operator/operator-leaf.js';
import { askServerPassphrase } from '../../operator/passphrase-bytes.js';
import { createServerLog } from '../../operator/server-log.js';
import { serverXid } from '../../operator/server-xid.js';
import { endQuiet } from '../../terminal/quiet-input.js';
import { stopOnSignals } from '../../operator/stop-on-signals.js';
import { likenessLine, likenessObject } from '../../terminal/likeness.js';

/** `ckm server start` */
export function serverStartCommand(): Command {
  return operatorLeaf('start', 'run a server until Ctrl-C, SIGTERM or ckm server stop')
    .option('--log-json', 'log everything, one line of JSON each, on stdout')
    .action(run(start));
}

async function start(
  context: Context,
  folder: string,
  { logJson }: { readonly logJson?: true },
): Promise<void> {
  const { terminal } = context;
  const dataDir = resolve(folder);
  if (context.flags.preview === true) {
    terminal.result(`would run the server in ${dataDir}`, { preview: true, dataDir });
    return;
  }
  const log = createServerLog(terminal, {
    folder,
    isSealed: hasPassphrase(dataDir),
    hasSentences: process.stderr.isTTY,
  });
  const server = await startServer({
    dataDir,
    ...(logJson === true ? {} : { logDestination: log.destination, follow: log.follow }),
    ...(await passphraseOf(context)),
  });
  endQuiet().fill(0);
  const release = stopOnSignals(server, () => server.renewCertificate());
  try {
    await greet(context, folder, server, logJson === true);
    await server.closed;
  } finally {
    release();
  }
  // Ctrl-C leaves a mark of its own on a terminal.
  terminal.talk(process.stderr.isTTY ? '\nstopped' : 'stopped');
}

/** What the file on the command line holds, or the credential that the init system hands over; else it starts sealed. */
async function passphraseOf(context: Context): Promise<Pick<StartServerOptions, 'passphrase'>> {
  const passphraseFile = context.flags.passphraseFile ?? credentialIn(context.environment);
  if (passphraseFile === undefined) return {};
  return {
    passphrase: await askServerPassphrase({ ...context, flags: { ...context.flags, passphraseFile } }),
  };
}

/** Source: systemd.exec(5), `LoadCredential=` and `LoadCredentialEncrypted=`. */
const CREDENTIAL = 'ckm-passphrase';

function credentialIn({ CREDENTIALS_DIRECTORY: folder }: NodeJS.ProcessEnv): string | undefined {
  const path = folder === undefined || folder === '' ? undefined : join(folder, CREDENTIAL);
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** The one line that says it runs: on stdout unless that is the log's. */
async function greet(
  { terminal }: Context,
  folder: string,
  { url, listensOn, identity, phase, dataDir }: RunningServer,
  isLogging: boolean,
): Promise<void> {
  const card = identity();
  const { name } = card ?? (await operatorOf(dataDir).status());
  const xid = card === null ? null : serverXid(card.document);
  const who = xid === null ? 'sealed' : `likeness ${likenessLine(xid)}`;
  const behind = listensOn === url ? '' : `, owners reach it at ${url}`;
  const line = `${name} listens on ${listensOn}${behind}, ${who}`;
  if (isLogging) terminal.talk(line);
  else {
    const likeness = xid === null ? null : likenessObject(xid);
    terminal.result(line, { name, url, listensOn, dataDir, phase: phase(), likeness });
  }
  if (xid === null) terminal.warn(`it answers nobody before you open it: ckm server unseal ${folder}`);
}
