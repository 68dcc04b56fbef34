import type { DoctorLine } from '@ckm/client';
import { CkmError, VERSION } from '@ckm/foundation';
import type { Command } from 'commander';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { checkCertificates } from '../diagnosis/check-certificates.js';
import { checkDisk, checkFolder } from '../diagnosis/check-folder.js';
import { checkSeedBackup } from '../diagnosis/check-seed-backup.js';
import { openOwner } from '../owner/open-owner.js';
import { speaksAsDevice } from '../owner/unlock-owner.js';
import { unixNow } from '../terminal/instant.js';
import { formatRemedy } from '../terminal/remedy-words.js';
import { formatTable } from '../terminal/table.js';
import type { Style } from '../terminal/terminal.js';

/** `ckm doctor` */
export function doctorCommand(): Command {
  return leaf('doctor', 'look for everything that can be wrong, and say what to do', ENDINGS).action(
    run(doctor),
  );
}

const ENDINGS = { 69: 'a check failed', 74: 'only checks of this machine failed' };
const STYLES: Record<DoctorLine['level'], Style> = { ok: 'green', warn: 'yellow', fail: 'red' };

async function doctor(context: Context): Promise<void> {
  const { terminal } = context;
  const client = await openOwner(context);
  const { home, timeoutMs } = context;
  const lines = [
    ...(await checkFolder(home)),
    await checkDisk(home),
    checkSeedBackup(await client.seedBackup(), unixNow(), await speaksAsDevice(context)),
    ...(await client.diagnose(VERSION)),
    ...(await checkCertificates(await client.listServers(), timeoutMs)),
  ];
  const shown = lines.map(withFix);
  const rows = shown.map(({ level, subject, text, fix }) => [
    level,
    subject,
    fix === undefined ? text : `${text}   fix: ${fix}`,
  ]);
  const table = formatTable(rows).split('\n');
  const styled = table.map((line, i) => {
    const { level } = lines[i]!;
    return terminal.style(STYLES[level], line.slice(0, level.length)) + line.slice(level.length);
  });
  terminal.result(styled.join('\n'), shown);
  const failing = lines.filter(({ level }) => level === 'fail');
  if (failing.length > 0) throw afterAnswer(faultsFound(failing, lines.length));
}

/** The fix with the command that does it, where there is one. */
function withFix(line: DoctorLine): DoctorLine {
  const { fix, remedy } = line;
  return remedy === undefined ? line : { ...line, fix: formatRemedy(remedy, fix) };
}

/** Servers are to blame only when something fails that is not on this machine. */
function faultsFound(failing: readonly DoctorLine[], of: number): CkmError {
  const errorClass = failing.every(({ isLocal }) => isLocal) ? 'StorageError' : 'AvailabilityError';
  return new CkmError(errorClass, `${failing.length} of ${of} checks failed`, {
    code: 'DOCTOR_FOUND_FAULTS',
    hint: 'follow the fixes in the lines marked fail',
    retryable: false,
  });
}
