import { equalBytes, formatSpan } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { rosterOf } from '../keys/roster.js';
import { readAliveRecord } from '../life/alive-record.js';
import { keysWithSilence } from '../life/tell-alive.js';
import type { DoctorLine } from './doctor-line.js';

/** Which server of a key that heirs may ask for has heard no sign of life for a tenth of the time, as far as this machine knows (L3). */
export async function checkAlive(context: ClientContext): Promise<readonly DoctorLine[]> {
  const lines: DoctorLine[] = [];
  for (const { key, silence } of await keysWithSilence(context)) {
    const { name } = key.record;
    const { afterSeconds } = silence;
    const { heard } = await readAliveRecord(context.store, key.keyId);
    const now = context.clock();
    const deaf = (await rosterOf(context, key)).flatMap(({ server }) => {
      const at = heard.find((one) => equalBytes(one.server, server.xid))?.at ?? null;
      if (at !== null && now - at <= afterSeconds / 10) return [];
      return [`${server.name} (${at === null ? 'never' : `${formatSpan(now - at)} ago`})`];
    });
    lines.push(
      deaf.length === 0
        ? { level: 'ok', subject: name, text: 'every server has heard a sign of life from here' }
        : {
            level: 'warn',
            subject: name,
            text: `has servers that heard no sign of life from here for a tenth of the ${formatSpan(afterSeconds)} after which heirs may ask for it: ${deaf.join(', ')}`,
            fix: 'give them one, and look why they do not answer',
          },
    );
  }
  return lines;
}
