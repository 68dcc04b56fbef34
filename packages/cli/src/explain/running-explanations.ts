import { explanationsOf } from './explanation.js';

/** Codes that the operator of a running server meets: its passphrase, its notices, its policies. */
export const RUNNING_EXPLANATIONS = explanationsOf({
  PASSPHRASE_UNUSED: [
    'This server has no passphrase: its storage key lies in a file of its own.',
    'Only a server that was made with --sealed keeps the key under one.',
    'Keep storage.key readable by the server’s user only; a new server is made with ckm server init FOLDER --sealed.',
  ],
  PASSPHRASE_CHANGED: [
    'The passphrase of the server is changed; what comes after that was not done.',
    'The key file is exchanged first, so that no crash leaves a log that tells of a change that never was.',
    'Keep the new passphrase: the old one opens the server no more. The log tells of the change when the server is started again.',
  ],
  PASSPHRASE_KEY_CHANGING: [
    'Another storage key is taking the place of the present one.',
    'Both lie under the passphrase until everything is sealed anew.',
    'Let the server run until ckm server status --json says that isKeyChanging is false, then try again.',
  ],
  NOTICE_COMMAND_FAILED: [
    'The program that "notify.command" names could not be run, or ended with another status than 0.',
    'It is run without a shell, in the folder /, with PATH, HOME, LANG and TZ and nothing else in its environment.',
    'Run it yourself as the server’s user, with a line of JSON on stdin.',
  ],
  NOTICE_MAIL_LATER: [
    'The mail server says that it takes the message later.',
    'Many do so with a sender that they do not know yet, or while they are busy.',
    'Wait: the message is sent again after a pause. If it goes on for hours, look at what the log of the mail server says.',
  ],
  NOTICE_MAIL_LOGIN: [
    'The mail server does not let this server sign in, or demands that it does.',
    'It is signed in with "mail.user" and what is in the file of "mail.passwordFile", which is read each time.',
    'Correct them in config.json; then ckm server config check.',
  ],
  NOTICE_MAIL_UNREACHABLE: [
    'The mail server of "mail" cannot be reached, its certificate is not trusted, or it offers no TLS.',
    'Nothing is said to another machine without TLS, whoever asks for that.',
    'Look at mail.host, mail.port and mail.tls; for an authority of your own set mail.caFile.',
  ],
  NOTICE_TIMEOUT: [
    'The program or the address of "notify" took longer than ten seconds, or the mail server of "mail" than thirty.',
    'It was ended; the notice is sent again half a minute later, then after pauses that grow up to an hour, for some two days.',
    'Let the program hand its work to another one, or look at what the address answers.',
  ],
  NOTICE_WEBHOOK_REFUSED: [
    'The address of "notify.webhook" answered with another status than 200 to 299.',
    'A redirect counts as a refusal: a notice goes only where its operator said.',
    'Correct the address in config.json.',
  ],
  NOTICE_WEBHOOK_UNREACHABLE: [
    'Nobody answers at the address of "notify.webhook", or its certificate is not trusted.',
    'The server needs a way out to it.',
    'Try the address from this machine; for an authority of your own set NODE_EXTRA_CA_CERTS.',
  ],
  OUTBOX_FULL: [
    'A notice is not kept, because a thousand others wait to go the same way.',
    'They are kept until they have gone, and whoever asks for much must not fill the database with them.',
    'Look at why the others do not go: the log has the code of the last try.',
  ],
  OUTBOX_REFUSED: [
    'Whoever takes messages there has refused this one for good.',
    'It is not tried again by itself, because the answer would be the same.',
    'Look at the address that it goes to, and at what the log says.',
  ],
  OPERATOR_LOOSENS: [
    'The change would let something through that was not let through before.',
    'Tightening is safe to do in a hurry, because it only ever takes away.',
    'If you mean to allow more again: ckm server policy loosen FOLDER KEY, with the same flags.',
  ],
  OPERATOR_TIGHTENS: [
    'The change would keep something out that was let through before.',
    'Loosening only gives back, so that its name says what the audit log will say.',
    'If you mean to allow less: ckm server policy tighten FOLDER KEY, with the same flags.',
  ],
});
