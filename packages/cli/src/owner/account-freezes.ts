import type { AccountFreezeAt, AccountFreezes, Client } from '@ckm/client';
import { AvailabilityError, encodeHex, PolicyError } from '@ckm/foundation';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { asCalled } from '../terminal/called-as.js';
import { counted } from '../terminal/counted.js';
import { formatInstant, unixNow } from '../terminal/instant.js';
import { plainText } from '../terminal/plain-text.js';
import { formatTable } from '../terminal/table.js';
import { openOwner } from './open-owner.js';

/** Stops the whole account at one server, or at each on record. @param which `true`: at all */
export async function freezeAccount(
  context: Context,
  which: string | true,
  seconds: number | null,
): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const server = which === true ? null : which;
  if (flags.preview === true) return preview(context, client, server, 'to do nothing more for you');
  const done = await client.freezeAccount(server, seconds);
  terminal.result(`${headLine(done)}\n${rowsOf(done)}`, done);
  if (done.isFrozen)
    terminal.talk(
      `  it ends by itself; before that only the operator of each server ends it: ${asCalled('ckm thaw --account')}`,
    );
  else throw afterAnswer(notFrozen(done));
}

/** Asks the operators to end that. @param which `true`: at all servers */
export async function thawAccount(context: Context, which: string | true): Promise<void> {
  const { terminal, flags } = context;
  const client = await openOwner(context);
  const server = which === true ? null : which;
  if (flags.preview === true)
    return preview(context, client, server, 'to have their operators thaw your account');
  const asked = await client.thawAccount(server);
  terminal.result(rowsOf(asked), asked);
  const frozen = asked.servers.filter(({ verdict }) => verdict === 'frozen');
  if (frozen.length > 0)
    terminal.talk(
      'each operator ends it with: ckm server accounts thaw FOLDER ACCOUNT; tell him yourself that it is you',
    );
  const silent = asked.servers.filter(({ verdict }) => verdict === 'refused' || verdict === 'silent');
  if (silent.length > 0) throw afterAnswer(notAsked(silent));
}

async function preview(
  { terminal }: Context,
  client: Client,
  server: string | null,
  what: string,
): Promise<void> {
  const servers =
    server === null
      ? (await client.listServers()).map(({ name }) => name)
      : [(await client.showServer(server)).name];
  const names = servers.length === 0 ? 'no server' : servers.join(', ');
  terminal.result(`nothing was sent; would tell ${names} ${what}`, { preview: true, servers });
}

/** "Frozen" only where each server that was asked says so. */
function headLine({ servers, isFrozen }: AccountFreezes): string {
  const have = servers.filter(({ verdict }) => verdict === 'frozen').length;
  const count = `${have} of ${counted(servers.length, 'server')} ${have === 1 ? 'does' : 'do'} nothing more for you`;
  return isFrozen ? `your account is frozen: ${count}` : `your account is NOT frozen everywhere: ${count}`;
}

function rowsOf({ servers }: AccountFreezes): string {
  return formatTable(servers.map(rowOf), '  ');
}

function rowOf(one: AccountFreezeAt): readonly string[] {
  const { server, verdict, until, device } = one;
  const level = verdict === 'frozen' ? 'ok' : verdict === 'silent' ? 'warn' : 'fail';
  const end = until === null ? '' : `until ${formatInstant(until, unixNow())}, ${freezerText(device)}`;
  return [level, server, plainText(one.text), end];
}

/** Who froze an account, for its owner. */
export function freezerText(device: Uint8Array | null): string {
  return device === null ? 'frozen by your words' : `frozen by your device ${encodeHex(device).slice(0, 8)}`;
}

function notFrozen({ servers }: AccountFreezes): AvailabilityError | PolicyError {
  const open = servers.filter(({ verdict }) => verdict !== 'frozen');
  const refusing = open.find(({ verdict }) => verdict === 'refused');
  const names = open.map(({ server }) => server);
  const text = `your account is NOT frozen at ${names.join(', ')}`;
  const facts = { servers: names };
  if (refusing === undefined)
    return new AvailabilityError(text, {
      code: 'ACCOUNT_NOT_FROZEN',
      hint: 'say the same again until each of them has answered',
      facts,
    });
  return new PolicyError(`${text}; ${refusing.server} refuses`, {
    code: 'ACCOUNT_NOT_FROZEN',
    hint: `${plainText(refusing.text)}: ask its operator to suspend the account`,
    facts,
  });
}

function notAsked(silent: readonly AccountFreezeAt[]): AvailabilityError {
  const servers = silent.map(({ server }) => server);
  return new AvailabilityError(`${servers.join(', ')} could not be asked`, {
    code: 'ACCOUNT_THAW_NOT_ASKED',
    hint: 'say the same again, or tell their operators',
    facts: { servers },
  });
}
