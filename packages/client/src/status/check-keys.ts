import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { listKeyRecords, type ReadKey } from '../keys/keys.js';
import { type ServerVerdict, verifyKey } from '../keys/verify-key.js';
import { type DoctorLine, explained, failed } from './doctor-line.js';
import type { Status } from './status.js';

/** Every server is asked about each key: what it says of the certificate, and whether it holds it. */
export async function checkKeys(
  context: ClientContext,
  readKey: ReadKey,
  { servers }: Status,
): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  const found: Finding[] = [];
  const silent = hanging(servers);
  for (const { name } of await listKeyRecords(context.store)) {
    try {
      const { servers: verdicts } = await verifyKey(context, await readKey(name), () => undefined, silent);
      found.push(...verdicts.map((one) => ({ ...one, key: name })));
      if (verdicts.every(({ verdict }) => verdict === 'holds')) {
        lines.push({
          level: 'ok',
          subject: name,
          text: `same certificate on all ${verdicts.length} servers`,
        });
      }
    } catch (error) {
      if (!(error instanceof CkmError)) throw error;
      lines.push(failed(name, error));
    }
  }
  // What keeps a server from answering at all has a line of its own, whatever number of keys it holds.
  const isTold = ({ server, verdict }: Finding) =>
    (verdict === 'silent' || verdict === 'refused') &&
    servers.some(({ name, problem }) => name === server && problem !== null);
  return [...lines, ...groupCauses(found.filter((one) => one.verdict !== 'holds' && !isTold(one)))];
}

/** Servers that were waited for in vain: to wait for them again for each key would take minutes. */
export function hanging(servers: Status['servers']): readonly string[] {
  return servers.filter(({ problem }) => problem?.code === 'SERVER_TIMEOUT').map(({ name }) => name);
}

/** What one server says about one key. */
interface Finding extends ServerVerdict {
  readonly key: string;
}

/** One line for each cause: a server that says the same about many keys says it once. */
function groupCauses(found: readonly Finding[]): DoctorLine[] {
  const causes = new Map<string, Finding[]>();
  for (const one of found) {
    const cause = `${one.server} ${one.verdict} ${one.text}`;
    causes.set(cause, [...(causes.get(cause) ?? []), one]);
  }
  return [...causes.values()].map((same) =>
    keyLine(
      same.map(({ key }) => key),
      same[0]!,
    ),
  );
}

function keyLine(keys: readonly string[], { server, verdict, text, code }: ServerVerdict): DoctorLine {
  const subject = `${keys.join(', ')} on ${server}`;
  switch (verdict) {
    case 'behind':
      return {
        level: 'warn',
        subject,
        text,
        fix: 'verify the key: whoever was away learns the certificates between',
        remedy: { kind: 'verifyKey', key: keys[0]! },
      };
    case 'forked':
      return {
        level: 'fail',
        subject,
        text,
        fix: 'have its servers settle which of the two counts',
        remedy: { kind: 'settleKey', key: keys[0]! },
      };
    case 'pending':
      return {
        level: 'warn',
        subject,
        text,
        fix: 'go on making it, or restore it',
        remedy: { kind: 'restoreKey', keys },
      };
    case 'lost':
    case 'forgot':
      return {
        level: 'fail',
        subject,
        text,
        fix: 'have it get its share back',
        remedy: { kind: 'repairKey', keys, server },
      };
    case 'silent':
      return { level: 'warn', subject, text, fix: `bring ${server} back` };
    case 'unknown':
      return {
        level: 'warn',
        subject,
        text,
        fix: 'add it again, with its address',
        remedy: { kind: 'addServer' },
      };
    case 'refused':
      return { level: 'warn', subject, text, ...explained(`ask the operator of ${server}`, code) };
    default:
      return { level: 'fail', subject, text, fix: `ask the operator of ${server}` };
  }
}
