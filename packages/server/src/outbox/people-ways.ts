import type { Data } from '@ckm/gordian';
import type { MailConfig, ServerConfig } from '../config/config.js';
import { contactMailOf, type TellContact } from './contact-texts.js';
import { sendMail } from './smtp.js';
import type { Way } from './way.js';

/** By which owners of accounts are told what they alone can act on. */
export const PEOPLE_MAIL = 'people-mail';

/** What is to be told to whom; `to` null: to nobody, which is kept and done like everything else, so that nobody learns from it who has an account. */
export type PeopleMail = TellContact & { readonly to: string | null };

/** How owners are told something: each by a message of his own. */
export function peopleWays({ mail, name }: Pick<ServerConfig, 'mail' | 'name'>): ReadonlyMap<string, Way> {
  if (mail === null) return new Map();
  // Strangers ask for codes, as many as they like: what they leave behind must not grow.
  const leavesNothing = (content: Data) => (content as unknown as PeopleMail).what === 'code';
  return new Map([[PEOPLE_MAIL, { most: 1, everySeconds: 0, send: sendTo(mail, name), leavesNothing }]]);
}

function sendTo(mail: MailConfig, server: string): Way['send'] {
  return async ([content]: readonly Data[], signal) => {
    // Written by the room of ways back, and sealed since.
    const told = content as unknown as PeopleMail;
    if (told.to === null) return;
    await sendMail(mail, { to: told.to, ...contactMailOf(told, server) }, signal);
  };
}
