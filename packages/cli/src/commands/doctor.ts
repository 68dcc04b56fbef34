import type { DoctorLine } from '@ckm/client';
import { CkmError } from '@ckm/foundation';
import { stat, statfs } from 'node:fs/promises';
import type { Command } from 'commander';
import { afterAnswer } from '../command-line/after-answer.js';
import type { Context } from '../command-line/context.js';
import { leaf, run } from '../command-line/run.js';
import { openOwner } from '../owner/open-owner.js';
import { formatRemedy } from '../terminal/remedy-words.js';
import { formatTable } from '../terminal/table.js';
import type { Style } from '../terminal/terminal.js';
import { VERSION } from '../command-line/version.js';

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
  const lines = [
    ...(await checkFolder(context)),
    ...(await checkDisk(context)),
    ...(await client.diagnose(VERSION)),
  ];
  const shown = lines.map(withFix);
  const rows = shown.map(({ level, subject, text, fix }) => [
    level,
    subject,
    text,
    fix === undefined ? '' : `fix: ${fix}`,
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

/** Whether other people of this machine can look in. */
async function checkFolder({ home }: Context): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  for (const path of [home.path, home.seedFile]) {
    const { mode } = await stat(path);
    const isPrivate = (mode & 0o077) === 0;
    lines.push(
      isPrivate
        ? { level: 'ok', subject: path, text: 'readable by you alone' }
        : {
            level: 'fail',
            subject: path,
            text: 'others on this machine can read it',
            fix: `chmod go-rwx ${path}`,
            isLocal: true,
          },
    );
  }
  return lines;
}

/** What is not on disk is not sent: without room nothing works any more. Bytes. */
const LEAST_FREE = 50 * 1024 * 1024;

async function checkDisk({ home }: Context): Promise<DoctorLine[]> {
  const { bavail, bsize } = await statfs(home.path);
  const free = bavail * bsize;
  const text = `${Math.floor(free / 1024 / 1024).toLocaleString('en')} MiB free`;
  const line = { subject: 'disk', text };
  return [free < LEAST_FREE ? { ...line, level: 'warn', fix: 'free space on it' } : { ...line, level: 'ok' }];
}
