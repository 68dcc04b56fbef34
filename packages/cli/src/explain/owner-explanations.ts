// Longer than other files, because it is one table: every code that an owner meets, and what to do about it.
import { groupOf, type Explanation, explanationsOf } from './explanation.js';

const NAMES_AND_ARGUMENTS = groupOf(
  'It is refused here, before anything is sent to a server or written.',
  'Correct it as the hint says; the list command of the branch (ckm server list, ckm key list) shows what there is.',
  {
    NAME_INVALID: 'The name for a server or key has letters it may not have, or is too long.',
    SERVER_UNKNOWN: 'No server of that name has been added.',
    SERVER_EXISTS: [
      'The server is already added under another name, or its name is the name of another server.',
      'Use it under the name it has, or add it under a new one. ckm server list shows both.',
    ],
    SERVER_URL_INVALID: 'The address is no http or https address of a server.',
    SERVERS_NOT_DISTINCT: 'The same server is named twice for one key.',
    QUORUM_INVALID: [
      'The quorum is not “so many of so many”, with at least 2 and at most 32; or a server is to leave of which the key has none to spare.',
      'Write it like 2of3. In the place of a server that has to go let another hold a share: ckm key repair NAME --server SERVER --by OTHER.',
    ],
    QUORUM_SERVERS_MISMATCH: 'The number of servers does not fit the quorum.',
    POLICY_INVALID: [
      'The policy for the key has a field that cannot be.',
      'See the policy flags in ckm key create --help.',
    ],
    PURPOSE_UNKNOWN: ['No key is made for this purpose.', 'Use bitcoin, ssh, git, message or derive.'],
    PURPOSE_SUITE_MISMATCH: [
      'Suite or network do not fit the purpose of the key.',
      'Leave them out: they follow from the purpose.',
    ],
    EXPORT_WAITING: [
      'A key leaves only when operators have typed the six words and the delay of the key has passed, at as many servers as it needs.',
      'Tell the operators the words yourself; then run the same ckm key export again. To stop it: ckm key export NAME --stop.',
    ],
    EXPORT_OVER: [
      'The export was stopped, refused by an operator, or ran out of time, at so many servers that the others are too few for the key.',
      'If you do not know who stopped it, ask the operators. To begin anew, end this one first: ckm key export NAME --stop.',
    ],
    EXPORT_FORMAT_UNKNOWN: [
      'The key has no such form. An Ed25519 key of a quorum is a scalar: files of OpenSSH hold the seed that one is made from, which never existed.',
      'Leave --format out: docs/recovery-without-us.md says what signs with a scalar.',
    ],
    PURPOSE_GIVES_SECRETS: [
      'A key that gives secrets is neither exported nor imported: they hang on the id it was made under, and elsewhere it would give others.',
      'Make it without --exportable; keep what must outlive its servers in another place too.',
    ],
    PURPOSE_NEEDS_CHILDREN: [
      'A key of this purpose is used through children. Whoever had the key and its public half had all of them, so that such a key is never made for export.',
      'Leave --exportable out.',
    ],
    SUITE_UNKNOWN: [
      'There is no signature suite of that name.',
      'Leave the suite out: it follows from the purpose.',
    ],
    KEY_BUSY: [
      'A request or a ceremony goes on with this key.',
      'Finish it, or cancel it with ckm requests cancel or ckm sessions cancel, then do this again.',
    ],
    KEY_MATERIAL_INVALID: [
      'What was given is no private key in a form that ckm knows: it is cut, changed, mistyped or something else. Nothing was sent or written.',
      'Look whether it is the right file, and whole.',
    ],
    KEY_MATERIAL_UNSUPPORTED: [
      'What was given is a private key that ckm does not take over as it is.',
      'The message says why, and what to do instead.',
    ],
    KEY_MATERIAL_AMBIGUOUS: [
      'Hex digits of a private key are a seed, from which most programs make the key, or the number itself. Both may be read, and give different keys.',
      'Say which it is: --format seed, or --format scalar; and what must come of it: --expect, with a public key or an address.',
    ],
    KEY_MATERIAL_LOCKED: [
      'The key file has a passphrase, and the right one was not given.',
      'Run the command on a terminal: it asks. It is the passphrase that ssh asks for, not that of your owner seed.',
    ],
    KEY_NOT_EXPECTED: [
      'The private key that was given makes another public key than the one named with --expect. Nothing was sent.',
      'Look whether it is the right file, and the right --path, --network, --format, and passphrase of the words.',
    ],
    IMPORT_NOT_DEALT: [
      'The import was cut before the key was dealt. The key is not kept here, so that it has to be given once more.',
      'Run the same ckm key import again, or cancel it: ckm sessions cancel.',
    ],
    KEY_EXISTS: 'A key of that name exists, or is being made.',
    KEY_UNKNOWN: 'There is no key of that name, or the server does not know it under your account.',
    SESSION_UNKNOWN: ['No ceremony begins with these digits.', 'List them with ckm sessions.'],
    SESSION_AMBIGUOUS: ['More than one ceremony begins with these digits.', 'Write more digits of its id.'],
    REQUEST_UNKNOWN: [
      'No request begins with these digits, or the server does not know it, or no longer.',
      'List yours with ckm requests.',
    ],
    REQUEST_AMBIGUOUS: [
      'More than one request begins with these digits; or, at a server, two owners chose the same id.',
      'Write more digits of its id; an operator names the account: --account.',
    ],
    SUBJECT_MISSING: ['Nothing to sign was named.', 'Name a file, or use --message, --psbt or --git.'],
    SUBJECT_AMBIGUOUS: ['More than one thing to sign was named.', 'Name one.'],
    REASON_INVALID: [
      'The reason is too long or holds characters that cannot be shown.',
      'Say it in at most 280 characters.',
    ],
    REQUEST_TOO_LONG: [
      'The request is longer than servers read.',
      'Sign something shorter, such as a list of digests.',
    ],
    ADDRESS_INDEX_INVALID: ['The address index is not a number.', 'Use a whole number from 0 to 2147483647.'],
    SEED_LENGTH: ['An owner seed has 32 bytes.', 'Use the seed that ckm init made, or restore it.'],
    SEED_WORDS_INVALID: [
      'These are not the 24 words of an owner seed.',
      'Type them again, in order, from the backup, whole or cut to four letters; the message names the place of the wrong one.',
    ],
    SEED_SHARES_MIXED: [
      'These shares of a seed were not made together, or one of them is not what it says.',
      'Use shares of one set, each once: each says which set it is of. Leave out the one that you trust least.',
    ],
    SEED_SHARES_OTHER: [
      'These shares bring back a secret that is no owner seed.',
      'Use shares of a secret of 32 bytes, as ckm seed backup --format sskr makes them.',
    ],
    SEED_SHARE_REPEATED: ['The same share was given twice.', 'Give another share of the set.'],
    SEED_SHARES_TOO_FEW: [
      'The shares that were given do not bring the seed back yet.',
      'Give as many more as the message says, in any order.',
    ],
    SEED_UR_INVALID: [
      'This is no ur:seed (in older programs ur:crypto-seed) with 32 bytes in it.',
      'Copy the whole line again, from ur: to its end.',
    ],
  },
);

const SERVERS = explanationsOf({
  SERVER_UNREACHABLE: [
    'Nothing answers at the address, or something that is no Secret Server.',
    'A quorum of the others can still sign; making a key needs all of them.',
    'Check the address and the network; ask the operator; see ckm doctor.',
  ],
  SERVER_CERTIFICATE_UNKNOWN: [
    'Nobody this machine trusts vouches for the TLS certificate of the server.',
    'Messages are sealed and signed in any case: a false certificate shows whom you talk to and when, never what.',
    'Where the operator has an authority of their own, or a certificate that vouches for itself, get its certificate (PEM) from them and say: ckm server add NAME URL --ca FILE. It is kept with the server. NODE_EXTRA_CA_CERTS=FILE does it for every server and one command.',
  ],
  SERVER_CERTIFICATE_TIME: [
    'The TLS certificate of the server has expired, or is not valid yet.',
    'Messages are sealed and signed in any case: a false certificate shows whom you talk to and when, never what.',
    'Look at the clock of your machine first. If it is right, ask the operator to renew the certificate; ckm doctor says how long each one lasts.',
  ],
  SERVER_CERTIFICATE_NAME: [
    'The TLS certificate of the server is for another name than the address.',
    'Messages are sealed and signed in any case: a false certificate shows whom you talk to and when, never what.',
    'Compare the address with what the operator told you. Where the message names what the certificate is for, use that name: ckm server add NAME URL brings the address up to date.',
  ],
  CLOCK_DIFFERS: [
    'A server takes no message from you, because your clock and its clock are too far apart.',
    'Every message says when it was made and until when it is valid: one that seems to come from the future, or too late, is refused. What servers say of their clocks in such a refusal is not signed, so it is only a hint; nothing is lost by it.',
    'Set the clock of the machine that is wrong, best by NTP (timedatectl set-ntp true), and try again. Where all servers differ from you by the same, it is yours.',
  ],
  SERVER_NOT_HTTP: [
    'Something listens at the address, and it is not what the address says.',
    'Mostly it is another port, or http where https is spoken, or the other way round.',
    'Compare the address with what the operator told you, then add the server again under its name.',
  ],
  SERVER_PROXY_ANSWERED: [
    'Something between you and the server answered in its place: its proxy, another web site, or a network that wants a log-in.',
    'It cannot read or write what you and the server say. 502, 503 and 504 mean that a proxy does not reach the server; 413 that it passes on no message of that length; 404, and a web page, mostly another address or path.',
    'Compare the address with what the operator told you, and tell the operator the number that the message names.',
  ],
  WEB_PROXY_FAILED: [
    'The web proxy that HTTP_PROXY or HTTPS_PROXY names is not there, or does not lead to the server.',
    'It carries what is sealed: it learns whom you talk to and when, never what.',
    'Check the two variables and the proxy. A server that is reached without one is named in NO_PROXY: NO_PROXY=alpha.example,.home. Servers on this machine never are asked through it.',
  ],
  WEB_PROXY_UNSUPPORTED: [
    'HTTP_PROXY or HTTPS_PROXY names a proxy of another kind than http and https, or cannot be read.',
    'To go past a proxy in silence could show whom you talk to where you did not mean it.',
    'Use a proxy that speaks http or https, written like http://proxy:3128; or leave the variable out.',
  ],
  SERVER_TIMEOUT: [
    'The server did not answer in time.',
    'It may still do what was asked: asking again is safe, because every request has an id.',
    'Try again, or wait longer with --timeout.',
  ],
  SERVER_CONNECTION_LOST: [
    'The connection was cut after the message had left: nobody knows whether the server did what was asked.',
    'The client has asked once more, in a new message; asking again is safe, because every request has an id.',
    'Try again. If it persists, look at what stands between you and the server: a proxy, a firewall.',
  ],
  SERVER_REPLY_INVALID: [
    'The answer cannot be opened, or is an answer to something else.',
    'Answers are sealed to you and name the question; whatever is otherwise was changed or replayed on the way.',
    'Try again. If it persists, something between you and the server interferes: tell its operator.',
  ],
  SERVER_REFUSED_MESSAGE: [
    'The server turned the message away before it knew who sent it.',
    'It is sealed, busy or stopping, or does not know you. The reason is not sealed, so it is only a hint.',
    'See ckm explain for the code the message names, and ask the operator.',
  ],
  SERVER_IDENTITY_CHANGED: [
    'Somebody else answers in the place of a pinned server.',
    'You compared its likeness once; whoever answers now has other keys. It may be an attack or a new installation.',
    'Ask the operator on another way. A server that was set up anew is a new server: add it under a new name.',
  ],
  SERVER_IDENTITY_INVALID: [
    'What answers does not prove who it is.',
    'A server shows a document that its own key has signed; an unsigned one could carry somebody else’s sealing key.',
    'Do not add it. Check the address and ask the operator.',
  ],
  SERVER_PIN_DIFFERS: [
    'The record of a server and the certificate of a key name different identities for the same server.',
    'A key is used with the servers that made it and no others; one of the two records was changed on disk.',
    'Restore both from a copy, and look who can write to the owner’s folder; ckm doctor asks the servers themselves.',
  ],
  SERVER_LIKENESS_MISMATCH: [
    'The server does not look like what its operator told you, or you said so.',
    'Comparing the likeness is what keeps somebody in between out.',
    'Ask the operator for the six words again, by phone or in person. Do not add it before they match.',
  ],
  SERVER_IN_USE: [
    'A key or an open ceremony needs this server.',
    'Forgetting it would leave the key with one server less than you believe.',
    'Keep it, or let the key go on without it first, with ckm key remove-server, or with another in its place, with ckm key requorum.',
  ],
});

const CEREMONIES = explanationsOf({
  CHANGE_NOTHING: [
    'The key has these servers and this quorum already, or a refresh was asked for with others.',
    'A refresh gives the same servers new shares; adding, removing and another quorum change who holds some.',
    'Say what is to become of the key: ckm key refresh NAME for new shares.',
  ],
  CHANGE_OPEN: [
    'Another change of this key goes on and is not decided yet.',
    'Two changes at once could each find half of the servers.',
    'Go on with it: ckm sessions resume; or cancel it: ckm sessions cancel ID.',
  ],
  CHANGE_OVER: [
    'A server takes no part in this change any more, or an earlier order was carried out instead; the message says which.',
    'Its operator said no, another client of yours cancelled the change, or its time was over.',
    'Talk to that operator, then order the change again, or one without that server.',
  ],
  CHANGE_PLAN_DIFFERS: [
    'Other servers hold the key, or hold it by another quorum, than when the change was shown to you: carried out now it would mean something else.',
    'Another computer of yours changed it, or servers settled on another certificate than the one that this computer went on by. Nothing was ordered.',
    'Look who holds it, ckm key show NAME, and order the change again: what it means is shown anew.',
  ],
  KEY_NOT_FORKED: [
    'No server of the key shows two certificates of one epoch that both hold.',
    'Settling is for that case alone: there is nothing to settle.',
    'Look how the key stands: ckm key verify NAME.',
  ],
  FORK_CHOICE_UNKNOWN: [
    'No certificate that could count begins with those digits, or more than one does; or none was said where this computer went on by none of them, or servers show votes against the one that it has as settled.',
    'Each of them is called by the first eight digits of what its servers signed.',
    'See them with ckm key settle NAME --preview, and write at least four digits of one.',
  ],
  SETTLEMENT_NOT_HELD: [
    'With the certificate that was to count too few servers would have a share for the key to sign.',
    'Whoever signed twice is not counted, nor a server that destroyed what its share would come from.',
    'Choose another one: ckm key settle NAME --counts ID.',
  ],
  SETTLERS_FORGOT: [
    'Servers that settle which certificate counts were restored, or have lost their disk: they do not know what they said, and say nothing. Fewer are left than it takes.',
    'Whoever could remind them could be lying, so that two certificates would be settled on. Where nothing was ordered, no server was stopped by it.',
    'While servers sign by the certificate of this computer, give the key servers without those, ckm key remove-server, or make another key and move. Once it was ordered, nothing leads out.',
  ],
  CHANGE_VOTES_TOO_FEW: [
    'Too few servers of the present epoch said what a change needs; the message has the reason of each.',
    'More than half of them, and as many as the quorum, decide together, so that the key never has two futures; of a key made with --strict more, so that it has none by a few liars either.',
    'Go on later: ckm sessions resume. After a try that fell apart, servers enter the next one ten minutes later.',
  ],
  CHANGE_WAITING: [
    'A change waits for an operator, or for the time that the key or a server asks for.',
    'Whoever holds your machine must not be able to change at once who holds your keys.',
    'Go on when the operators named have said yes and the time is over: ckm sessions resume.',
  ],
  SERVERS_MISSING: [
    'A server that has to take part does not answer.',
    'Making a key takes all its servers, and a change of a key all that are to hold a share. Everything so far is stored, here and there; a key that exists signs as before.',
    'When all of them run, go on with ckm sessions resume. Where one is gone for good: cancel what waits (ckm sessions cancel ID), and let another take its place: ckm key repair NAME --server SERVER --by OTHER.',
  ],
  TOO_FEW_SERVERS: [
    'Fewer servers than the quorum can sign now; the message says what is with each.',
    'No smaller number can sign, that is what the quorum is for.',
    'See ckm doctor, bring them back, then ask again.',
  ],
  KEY_NOT_USABLE: [
    'Not every server has promised that it stored the certificate of the key.',
    'A key that receives value before that could be lost with one server.',
    'Finish making it: ckm sessions resume. A key that was fetched is finished by ckm key fetch.',
  ],
  KEY_LIKENESS_DIFFERS: [
    'You said that an operator sees another likeness for the key than you do.',
    'Then that server holds another key, or somebody on the way shows one of you another: value sent to it could be lost. So nothing is signed with it, and no address of it is shown.',
    'Ask all servers with ckm key verify NAME, and the operators what they see: ckm server keys FOLDER. If it was a mistake, or you want to use it all the same, say so: ckm key compare NAME. To drop it: ckm key forget NAME.',
  ],
  KEY_NOT_VOUCHED: [
    'Too few servers of a key say that it is yours.',
    'One server alone could show you somebody else’s key, and you would receive for them.',
    'Add the other servers of the key, or bring them back; then run ckm key fetch.',
  ],
  KEY_CERTIFICATE_INVALID: [
    'The certificate in the stored key record does not hold.',
    'The certificate is the only proof of what the key is; every byte of it is checked before use.',
    'Move store/keys/NAME away, then get the key back from its servers: ckm key fetch --name NAME.',
  ],
  SHARE_LOST: [
    'A server of the key runs and does not have its share any more, or does not even know your account.',
    'One that lost its database can recover the share from the certificate, if its operator prepared for that.',
    'Have it get the share back: ckm key repair NAME --server SERVER. It takes it from the certificate if it can, else the others give it back. Until then the key has one server less.',
  ],
  KEY_NOT_RESTORED: [
    'At least one server that was asked does not have its share of the key again.',
    'The lines say why; the key lives on while a quorum of other servers does.',
    'Follow the hint: what the certificate does not give back the others do, ckm key repair NAME --server SERVER. Repeating ckm key restore NAME is safe.',
  ],
  FAULT_KEYS_SHOWN: [
    'While keys were fetched, a server showed something that does not hold, or a list without end.',
    'No server is believed alone: what it showed was checked against the certificate and the other servers.',
    'What the others agree on was fetched. Ask the operator of the server that is named.',
  ],
  KEY_NOT_VERIFIED: [
    'A server of the key could not be asked for its copy: it is silent, refuses, is not added, or awaits the certificate.',
    'Nothing was found wrong, and nothing was found right there. Exit status: 69 silent, 77 refuses, 75 for the others.',
    'Do what the hint says, then run ckm key verify again.',
  ],
  KEY_NOT_CHECKED: [
    'A server of the key could not be asked to prove that it holds its share: it is silent, refuses, or is not added.',
    'That says nothing about its share. Exit status: 69 silent, 77 refuses, 75 for the others.',
    'Do what the hint says, then run ckm key check again.',
  ],
  DRILL_FAILED: [
    'In the drill a lost server could not be made again: somebody did wrong, or said no. What was said stands in the error, with its own code.',
    'No share of the key was touched, and the key of the drill is forgotten. Were the server lost now, its share might not come back. Exit status: 76 a server is at fault, 77 one refuses, 75 for the others.',
    'Read what the code in the hint means (ckm explain CODE), ask the operator of the server named, then drill again.',
  ],
  DRILL_NOT_OVER: [
    'A server that the drill needs does not answer, or asks for patience. Making a key takes every server.',
    'Nothing was found against anybody. What was begun is on record for a day.',
    'Run the same command again when it answers: ckm drill restore NAME --lost SERVER.',
  ],
  DRILL_IMPOSSIBLE: [
    'Every server of the key is needed for anything, also to give a lost share back: the others are too few.',
    'A lost server of such a key comes back from its own backup alone, or with static backup from the certificate.',
    'Give it a server to spare (ckm key add-server NAME SERVER), or have its operator drill with his backup: ckm server drill FOLDER --backup FILE.',
  ],
  KEY_NOT_FROZEN: [
    'Too few servers of the key have been told to stop it: the others can still sign. Of a forked key that goes for each certificate.',
    'So many have to have it that those left over are fewer than the quorum. Exit status: 69 silent, 75 not on record here, 77 refuses.',
    'Run ckm freeze NAME again until it says that the key is stopped; call the operators of those that do not answer.',
  ],
  REPAIR_ENDS_CHANGES: [
    'Another server of the key was restored or repaired in the same epoch. With this one too, fewer remember what they said of a change than decide on one: the key signs on, and is never refreshed or given other servers again.',
    'Who forgot decides again once all the others have reminded it; two wait for each other. A new epoch remembers everything.',
    'Run ckm key refresh NAME first: every server gets a new share, also one that has lost its own. Where a server cannot be had back for that, --key-name NAME gives the share back all the same; then make a new key, and move.',
  ],
  REPAIR_NOT_STOPPED: [
    'A server that may take part in the repair did not answer, or refused: the repair may go on there.',
    'Every helper counts for itself the time that it waits; those that were told have stopped, and count anew.',
    'Run ckm key repair NAME --server SERVER --stop again; meanwhile call the operators of those that are named.',
  ],
  SHARE_NOT_PROVED: [
    'A server gave a proof of its share that does not hold, or says itself that what it has stored is damaged.',
    'Until that is settled count it as lost: the key goes on with the others, as many as ckm key check says.',
    'Ask its operator to look at memory and database. If the share is gone: ckm key repair NAME --server SERVER. If it is there and wrong, another server takes its place: the same with --by OTHER.',
  ],
  KEY_DIFFERS: [
    'A server of the key holds the certificate of another key, or another policy than you.',
    'All servers of a key must agree on every byte; one that does not is broken or lies.',
    'Send nothing to this key before the operator of that server has explained it.',
  ],
  KEY_NOT_STORED: [
    'The key exists, but one of its servers has lost its part of it and cannot get it back by itself.',
    'Nothing was sent to such a key: its public half is not handed out before every server has promised to have stored it.',
    'Ask that operator for a newer backup and go on with ckm sessions resume, or give it up: ckm sessions cancel ID --forget NAME.',
  ],
  KEY_HELD: [
    'Some servers hold this key already, so that it is not cancelled by the way.',
    'Its servers keep what they hold; ckm key fetch finds it again.',
    'Go on with ckm sessions resume, or say its name: ckm sessions cancel ID --forget NAME.',
  ],
  SESSION_OVER: [
    'The ceremony has ended, or can no longer be cancelled.',
    'A ceremony ends once; after every server has signed a key, that key may come to life at any time.',
    'Start a new one, or finish it with ckm sessions resume if the hint says so.',
  ],
  SESSION_EXPIRED: [
    'The ceremony took longer than it was given.',
    'Open ends would keep secrets in memory for ever.',
    'Start again.',
  ],
  SESSION_CANCELLED: [
    'The ceremony was cancelled.',
    'Nothing of it remains in use.',
    'Start again if you want it.',
  ],
  SESSION_REJECTED: [
    'A server does not take part; the message quotes its reason.',
    'Every operator decides alone.',
    'Ask the operator, or choose another server.',
  ],
  SESSION_ABORTED: [
    'A server ended the ceremony without saying why.',
    'It found something wrong that it could not pin on anybody.',
    'Start again; if it happens twice, ask the operators.',
  ],
  REQUEST_WAITING: [
    'The signature waits until people say yes: those whom the terms of the key name, or operators of its servers.',
    'The terms, the owner or an operator asked for a person’s decision on such a request.',
    'Leave it, and go on later with ckm requests resume.',
  ],
  REQUEST_OVER: [
    'The request has ended: its signature was given, or nobody wants it any more.',
    'A request is answered once, also where another process of yours has ended it while this one waited.',
    'Get a signature that was given with ckm requests show ID --out FILE, or sign again.',
  ],
  REQUEST_KEY_DIFFERS: [
    'The request was for another key than the one that has its name now.',
    'Keys are renamed, and a disk can be put back; a request goes on with the key it was for, and no other.',
    'Give it up with ckm requests cancel ID, and ask anew.',
  ],
  REQUEST_REJECTED: [
    'An operator or a policy said no; the message quotes the reason.',
    'With that no, too few servers are left for a quorum.',
    'Ask the operator, or sign with other servers: --without NAME.',
  ],
  REQUEST_EXPIRED: [
    'The request was not answered before it expired.',
    'Old requests must not be signed by surprise.',
    'Ask again.',
  ],
  REQUEST_CANCELLED: [
    'The request was withdrawn.',
    'It is gone from every desk.',
    'Ask again if you want it.',
  ],
  DOCTOR_FOUND_FAULTS: [
    'At least one check of ckm doctor failed.',
    'The exit status is for scripts; the lines say what is wrong.',
    'Follow the fixes in the lines marked fail.',
  ],
  NO_SERVER_ANSWERS: [
    'None of your servers gave an answer that counts to ckm status.',
    'The exit status is for scripts; where one is, it may be this machine that has no network.',
    'Look at the line of each server, and run ckm doctor.',
  ],
  CLIENT_CLOSED: [
    'A program used a client after closing it.',
    'Its secrets are wiped.',
    'Create a new client.',
  ],
  STORE_PATH_INVALID: [
    'A record was given a name that no file may have.',
    'It cannot happen: a defect of ours.',
    'Report it with the command that was run.',
  ],
});

/** Codes of the owner’s side. */
export const OWNER_EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ...NAMES_AND_ARGUMENTS,
  ...SERVERS,
  ...CEREMONIES,
};
