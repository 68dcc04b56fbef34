import type { CaseView } from '@ckm/api';
import { CkmError, type Secret } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { serversWithAccount, type SilentServer } from '../devices/list-devices.js';
import { speakTo } from '../devices/lists/speaker.js';
import type { ServerRecord } from '../servers/server-record.js';
import { showServerRecord } from '../servers/servers.js';

/** Somebody who wants an account of this owner at a server. */
export interface CaseAt extends CaseView {
  readonly server: string;
}

/**
 * Who wants accounts of this owner, and who got them.
 * @param names of the servers that are asked; default: all of them
 */
export async function listCases(
  context: ClientContext,
  names: readonly string[] | null = null,
): Promise<{ readonly cases: readonly CaseAt[]; readonly silent: readonly SilentServer[] }> {
  const cases: CaseAt[] = [];
  const silent: SilentServer[] = [];
  const records = (await serversWithAccount(context)).filter(
    ({ name }) => names === null || names.includes(name),
  );
  await Promise.all(
    records.map(async (record) => {
      const { name } = record;
      try {
        const link = await context.linkTo(record);
        const found = await link.call('recovery.list', {});
        cases.push(...found.cases.map((one) => ({ ...one, server: name })));
      } catch (error) {
        if (!(error instanceof CkmError)) throw error;
        silent.push({ server: name, code: error.code, text: error.message });
      }
    }),
  );
  return { cases: cases.toSorted((a, b) => (a.server < b.server ? -1 : 1)), silent };
}

/** Who wants the account at one server, while it still waits; none where that does not say so. */
export async function waitingCasesAt(
  context: ClientContext,
  record: ServerRecord,
  timeoutMs: number,
): Promise<readonly CaseAt[]> {
  if (record.accountSince === null) return [];
  try {
    const link = await context.linkTo(record);
    const { cases } = await link.call('recovery.list', {}, { timeoutMs });
    return cases.filter(({ state }) => state === 'waiting').map((one) => ({ ...one, server: record.name }));
  } catch (error) {
    if (error instanceof CkmError) return [];
    throw error;
  }
}

/** Says no to a recovery. @param words typed for this alone; undefined: whoever this client is says it */
export async function vetoCase(
  context: ClientContext,
  server: string,
  caseId: Uint8Array,
  words?: Secret<Uint8Array>,
): Promise<CaseAt> {
  const record = await showServerRecord(context.store, server);
  return speakTo(context, record, words ?? null, async ({ link }) => {
    const view = await link.call('recovery.veto', { caseId: new Uint8Array(caseId), reason: '' });
    return { ...view, server };
  });
}
