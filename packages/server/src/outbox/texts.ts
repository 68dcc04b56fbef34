import type { Notice } from '../notices/notice.js';
import type { Mail } from './smtp.js';

const SUBJECTS: Readonly<Record<Notice['event'], string>> = {
  waiting: 'something waits for your yes or no',
  stopped: 'a key was stopped by a wrong share',
  exported: 'a share of a key was given out',
  terms: 'the terms of a key change',
  recovering: 'somebody wants an account back',
  silence: 'the owner of a key has been silent for long',
  frozen: 'an account was frozen',
};

const TOLD: Readonly<Record<Notice['event'], string>> = {
  waiting: 'A request or a ceremony waits for your yes or no.',
  stopped:
    'A share that was computed here was wrong.\nThe key it belongs to answers nothing more until you have looked.',
  recovering:
    'Somebody has shown to be a contact of an account, and takes the place of all its devices\nwhen a delay is over, unless somebody of the account says no.',
  exported: 'A share of a key has left this server, sealed to the owner of the key.',
  terms: 'Other terms of a key were proposed, are in force, or were stopped.',
  frozen:
    'Somebody has frozen a whole account here, with a device of it or with its words.\nThis server does nothing more for it until that is over, or you have thawed it: when its\nowner asks you in person, not because it was asked for here.',
  silence:
    'The owner of a key has given no sign of life for long, and people whom its terms name may ask for it then.',
};

/**
 * A notice as a message of plain text: it says that there is something to look at, and nothing by which anybody could decide. No link,
 * nothing secret, nothing of what a request says.
 */
export function mailOf({ event, server, at, waiting, others, id }: Notice): Omit<Mail, 'to'> {
  const lines = [
    TOLD[event],
    '',
    `server    ${server}`,
    `when      ${at}`,
    ...(id === '' ? [] : [`id        ${id}`]),
    `waiting   ${waiting}`,
    ...(others === 0 ? [] : [`others    ${others} since the last message`]),
    '',
    'What it is about is not in this message: others may read it on its way.',
    'Look on the machine of the server itself, and decide there. Nobody needs',
    'an answer to this message, and nothing in it is to be clicked.',
    '',
  ];
  return { subject: `CKM: ${SUBJECTS[event]}`, text: lines.join('\n') };
}
