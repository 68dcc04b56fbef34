import { CkmError } from '@ckm/foundation';
import type { ClientContext } from '../context/context.js';
import { type Devices, type DeviceView, listDevices } from '../devices/list-devices.js';
import { LIST_FOLDER } from '../devices/lists/known-list.js';
import type { Owner } from '../owner/owner.js';
import type { DoctorLine } from './doctor-line.js';

const SUBJECT = 'devices';

/** Whether the words lie here, whether there is one device only, and which server does not know the newest list of them. */
export async function checkDevices(
  context: ClientContext,
  { words }: Pick<Owner, 'words'>,
): Promise<readonly DoctorLine[]> {
  const place = words === null ? [] : [WORDS_HERE];
  // Where no device was ever let in, there is nothing to ask for.
  if (words !== null && (await context.store.list(LIST_FOLDER)).length === 0) return place;
  try {
    return [...place, ...linesOf(await listDevices(context))];
  } catch (error) {
    if (!(error instanceof CkmError)) throw error;
    return [...place, { level: 'fail', subject: SUBJECT, text: error.message, fix: error.hint }];
  }
}

const WORDS_HERE: DoctorLine = {
  level: 'ok',
  subject: 'words',
  text: 'the words of this owner lie here, sealed: whoever opens them has everything',
};

function linesOf(known: Devices): readonly DoctorLine[] {
  const { devices, areWordsHere, unsent, contradicted, silent } = known;
  const faulty = silent.filter(({ code }) => code.startsWith('FAULT_'));
  const lines: DoctorLine[] = [
    ...unsent.map(({ server, text }) =>
      warning(server, `has not heard that ${text}`, 'it is told with the next command that it answers'),
    ),
    ...devices.flatMap((one) => missing(one, unsent)),
    ...contradicted.map((server): DoctorLine => ({
      level: 'fail',
      subject: server,
      text: 'was shown two lists of your devices under one number: a key of yours is in wrong hands',
      fix: 'find out which device signed them, and remove it with the words',
    })),
    ...faulty.map(({ server, text }): DoctorLine => ({ level: 'fail', subject: server, text })),
    ...(devices.length === 1 && !areWordsHere ? [ONLY_ONE] : []),
  ];
  if (lines.length > 0 || devices.length === 0) return lines;
  return [{ level: 'ok', subject: SUBJECT, text: `${devices.length} known at every server that answers` }];
}

const ONLY_ONE: DoctorLine = {
  level: 'warn',
  subject: SUBJECT,
  text: 'this is the only one: without it the words alone bring your keys back',
  fix: 'let another one in',
};

/** A device that some servers know and others do not, without anybody being about to tell them. */
function missing({ name, id, missingAt }: DeviceView, unsent: Devices['unsent']): readonly DoctorLine[] {
  const called = name ?? id;
  return missingAt
    .filter((server) => !unsent.some((one) => one.server === server))
    .map((server) =>
      warning(
        server,
        `does not know the device ${called}`,
        `remove ${called} everywhere, or let it in there too`,
      ),
    );
}

function warning(subject: string, text: string, fix: string): DoctorLine {
  return { level: 'warn', subject, text, fix };
}
