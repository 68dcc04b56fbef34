import { explanationsOf } from './explanation.js';

/** Codes of the command line itself. */
export const COMMAND_LINE_EXPLANATIONS = explanationsOf({
  COMMAND_UNKNOWN: [
    'There is no command of that name, or a command that only holds others was called alone.',
    'Nothing was done: a guess could do something else than you meant.',
    'See the list with ckm --help, or ckm NAME --help for one branch of it.',
  ],
  OPTION_UNKNOWN: [
    'The command does not take this flag.',
    'Nothing was done: a flag that is ignored could be one you rely on.',
    'See the flags of the command with --help.',
  ],
  OPTION_INVALID: [
    'A flag has a value it cannot take, or lacks one.',
    'Nothing was done.',
    'See the flags of the command with --help and correct the value named.',
  ],
  ARGUMENT_MISSING: [
    'The command needs one more word.',
    'Nothing was done.',
    'See the usage line of the command with --help.',
  ],
  ARGUMENT_UNEXPECTED: [
    'The command was given more words than it takes.',
    'Nothing was done: the extra word may belong to something you left out, such as a quote.',
    'See the usage line of the command with --help; put names with spaces in quotes.',
  ],
  INPUT_NEEDED: [
    'A question came up and nobody could be asked: --no-input was given, or this is no terminal.',
    'Silence is never taken for a yes.',
    'Run it on a terminal, or answer beforehand: --yes for questions, --passphrase-file for the passphrase.',
  ],
  CANCELLED_BY_PERSON: [
    'You answered no, or pressed Ctrl-C.',
    'Nothing was sent or changed.',
    'Run the command again when you want it.',
  ],
  CONFIRMATION_NEEDED: [
    'What is asked for needs a second yes of its own: --yes alone is not enough.',
    'A signature for what cannot be described may mean anything; value that a transaction destroys or spends on its fee is gone; a key that is forgotten is used here no more.',
    'Read again what it is. To do it all the same, type the key’s name when asked on a terminal, or add what the hint names: --blind, --accept-loss, --key-name.',
  ],
  HOME_NOT_INITIALISED: [
    'The folder holds no owner seed.',
    'The seed is who you are to your servers; without it nothing can be asked of them.',
    'Make one with ckm init, bring yours back with ckm seed restore, or name its folder with --home.',
  ],
  HOME_UNUSABLE: [
    'The owner’s folder cannot be made, read or written.',
    'Keys, pinned servers, open sessions and requests live there; without it they would be forgotten.',
    'Check permissions, free space and the path; or name another folder with --home or CKM_HOME.',
  ],
  HOME_TOO_LONG: [
    'The path of the owner’s folder is so long that the sockets in it could not be opened.',
    'ckm unlock and ckm ssh-agent are reached by a socket there; its path has at most 107 bytes.',
    'Name a folder with a shorter path with --home or CKM_HOME.',
  ],
  HOME_LOCKED: [
    'Another ckm process holds the folder for longer than it should.',
    'Two writers at once could lose a record.',
    'Wait for it to end. If no ckm process runs, remove the lock file that the hint names.',
  ],
  SEED_EXISTS: [
    'There is already an owner seed in this folder.',
    'A second one would make you a stranger to every server that knows you.',
    'Use the one that is there; if its passphrase is lost or its file is damaged, ckm seed restore --new-passphrase with its 24 words; or name another folder with --home.',
  ],
  SEED_DIFFERS: [
    'The words are a backup of another owner seed than the one this folder belongs to.',
    'The keys and servers in the folder know the other seed; with these words you would be a stranger to them.',
    'Use the backup of this seed. To be another owner as well, restore into another folder with --home.',
  ],
  SEED_FILE_CORRUPT: [
    'The file that holds the owner seed is damaged or is something else.',
    'Its form is exact, so that a changed byte is noticed before a passphrase is typed into it.',
    'Restore it with ckm seed restore --new-passphrase and your 24 words (or ur:seed).',
  ],
  PASSPHRASE_WRONG: [
    'The passphrase does not open what it was given for: the owner seed, the storage key of a server, or a backup.',
    'The seal is checked as a whole; it cannot say which character is wrong.',
    'Try again. If that of the owner seed is lost, ckm seed restore --new-passphrase sets a new one with the 24 words. Nothing replaces that of a server or of a backup: look for it where it is kept. A backup keeps the passphrase it was made under, also when that of its server was changed afterwards.',
  ],
  PASSPHRASE_EMPTY: [
    'The passphrase is empty.',
    'An empty passphrase protects nothing once the file is copied.',
    'Choose several words; with --passphrase-file, the first line counts.',
  ],
  PASSPHRASE_MISMATCH: [
    'The two passphrases typed are not the same.',
    'A typing error in a passphrase that nobody has seen would lock you out.',
    'Run the command again and type the same one twice.',
  ],
  PASSPHRASE_UNREADABLE: [
    'What was typed as a passphrase is longer than 4096 bytes, or is not UTF-8 text.',
    'Cutting it short or guessing an encoding could make a passphrase that works on one machine only.',
    'Set the terminal to UTF-8 and type it again, or name a file with --passphrase-file.',
  ],
  PASSPHRASE_FILE_UNREADABLE: [
    'The passphrase file cannot be opened, or is not text.',
    'Guessing an encoding could make a passphrase that works on one machine only.',
    'Check the path; write the passphrase as the first line, in UTF-8.',
  ],
  STORE_CORRUPT: [
    'A record in the owner’s folder fails its checksum or is not of its form.',
    'A damaged pin or key record could make you trust the wrong server or key.',
    'Restore the file from a copy, or move it away and make it again: a server with ckm server add, a key with ckm key fetch.',
  ],
  RECORD_ALTERED: [
    'A record in the owner’s folder is not as this owner wrote it: its seal under the owner seed does not fit.',
    'Somebody who can write to this disk could otherwise show you a wrong address, or pin a wrong server.',
    'Find out who could write there. Restore the file from a copy, or move it away and make it again: a server with ckm server add, a key with ckm key fetch.',
  ],
  RECORD_OF_ANOTHER_SEED: [
    'A record in the owner’s folder was written under another owner seed.',
    'Records of two owners in one folder would mix up their keys.',
    'Use --home with the folder of that seed, or move the file away.',
  ],
  RECORD_FORMAT_UNKNOWN: [
    'A record in the owner’s folder is of a format that this version does not know.',
    'An older or newer version wrote it, or something that is not CKM.',
    'Use the version that wrote it, or move the file away and make it again: a server with ckm server add, a key with ckm key fetch.',
  ],
  RECORD_UNREADABLE: [
    'The file of one record in the owner’s folder cannot be read: it belongs to somebody else, the disk fails there, or a folder or a link is in its place.',
    'The other records are not touched by it: lists go on without it and name it.',
    'Look at the file that the message names. Give it back to your user (chown), or move it away and make it again: a server with ckm server add, a key with ckm key fetch.',
  ],
  STORE_UNAVAILABLE: [
    'A file or folder of the owner’s records cannot be read or written.',
    'What is not on disk is not sent, so that a crash can be resumed.',
    'Check permissions and free space; ckm doctor names the folder.',
  ],
  AUTHORITY_INVALID: [
    'The file that --ca names has no certificate in it that can be read.',
    'What is kept with a server decides whom its TLS certificate is taken from: it has to be one or more certificates in PEM.',
    'Ask the operator for the certificate of the authority; it begins with -----BEGIN CERTIFICATE-----. A private key is never needed.',
  ],
  FILE_UNREADABLE: [
    'The file to sign or read cannot be opened, or is a folder.',
    'Nothing was sent.',
    'Check the path and its permissions; - reads stdin.',
  ],
  FILE_TOO_LARGE: [
    'The file is longer than one request may be.',
    'Servers read all of what they sign, and bound how much they read.',
    'Sign a hash list or a smaller file.',
  ],
  FILE_EXISTS: [
    'The file to write is already there.',
    'What ckm did not write, it does not overwrite.',
    'Name another file with --out, or move the old one away.',
  ],
  FILE_UNWRITABLE: [
    'The file to write cannot be made.',
    'The signature would be lost.',
    'Check the folder and its permissions; without --out the answer goes to stdout.',
  ],
  CODE_UNKNOWN: [
    'No error has that code.',
    'Codes are listed in one place each; this is none of them.',
    'List them with ckm explain.',
  ],
  OUTPUT_CLOSED: [
    'Whoever read the output stopped reading before a signature was written.',
    'A signature that nobody received would be lost in silence.',
    'Do what the hint says: the signature is kept with its request, or is made again.',
  ],
  OUTPUT_UNWRITABLE: [
    'The output cannot be written: the disk is full, for example.',
    'Half an answer looks like a whole one to whoever reads it later.',
    'Free space or send the output elsewhere, then do what the hint says.',
  ],
  PUBLIC_KEY_INVALID: [
    'What was given as a public key is neither 64 hex digits nor an ssh-ed25519 line.',
    'A signature is checked under one key: nothing can be said about it under another text.',
    'Take what ckm key show NAME --public prints; for keys of other suites name the key with --key.',
  ],
  SIGNATURE_UNREADABLE: [
    'The file holds no signature of the kind that was asked about.',
    'A signature that cannot be read is never taken for a good one.',
    'Name the file that ckm sign --out wrote, or save what ckm sign printed; for commits: git cat-file commit HEAD.',
  ],
  KEEPER_SILENT: [
    'The process that ckm unlock started did not say that it has closed the owner seed.',
    'It is stopped, or busy with many who ask it at once. Until it ends, whoever uses this machine as you can use your keys.',
    'Run ckm lock again. If it stays silent, end the process: its command line says unlock --keep.',
  ],
  KEEPER_UNUSABLE: [
    'The process that keeps the owner seed open could not listen in the owner’s folder.',
    'It answers on a socket there, which only you can reach; the system takes no longer path than about 100 letters.',
    'Use a folder with a shorter path (--home, CKM_HOME), or type the passphrase each time.',
  ],
  SHEET_CHANGED: [
    'The recovery sheet ends with a check under your owner seed, and that check is not the one of its lines.',
    'Whoever changes a sheet could put servers of his own in the place of yours: nothing was stored or added.',
    'Use another copy of the sheet. If you typed it, compare it with the paper, letter by letter. Or restore without it, and add each server with ckm server add.',
  ],
  PICTURE_UNREADABLE: [
    'No QR code can be read out of a picture.',
    'It is no plain PNG, it is damaged, or what it shows is not sharp, not whole or no code.',
    'Photograph the code straight on and save it as PNG; or have the text itself sent, which begins with ur:.',
  ],
  PICTURE_INCOMPLETE: [
    'What was read is a part of something longer.',
    'A long text is shown as several codes in turn, each with a part of it; too few of them were read.',
    'Name the picture with all of them, or a file with a line for each code that was read; or have the text itself sent.',
  ],
  SHEET_EMPTY: [
    'No server has been added yet, so that a recovery sheet would hold nothing.',
    'The sheet says where your servers are; the 24 words do not.',
    'Add your servers with ckm server add NAME URL, then print it.',
  ],
  SHEET_INVALID: [
    'The file is no recovery sheet, or a line of it cannot be read.',
    'Servers are added by what the sheet says without another question, so nothing is guessed.',
    'Use the file that ckm sheet --out wrote; or restore without it and add each server with ckm server add.',
  ],
  SHEET_OF_ANOTHER_SEED: [
    'The recovery sheet was made under another owner seed than the 24 words that you gave.',
    'It names the servers of another owner, or of another seed of yours: nothing was stored or added.',
    'Use the sheet that belongs to these words; or restore without it and add each server with ckm server add.',
  ],
  REQUEST_LEFT: [
    'You pressed Ctrl-C while servers were asked for a signature.',
    'The request is on record: some of them may have signed, and none of that can be used for anything else.',
    'Go on with ckm requests resume, or cancel it with ckm requests cancel.',
  ],
  SESSION_LEFT: [
    'You pressed Ctrl-C while a ceremony was under way.',
    'It is on record here and on the servers: nothing of it is lost, and nothing goes on without you.',
    'Go on as the hint says, with ckm sessions resume or the same command; or cancel it with ckm sessions cancel.',
  ],
  REQUEST_UNFINISHED: [
    'The request has no signature to show.',
    'A signature is kept with its request only when that had waited for people, and once it is made.',
    'If the request is open, go on with ckm requests resume; otherwise sign again.',
  ],
  NODE_TOO_OLD: [
    'The Node that runs ckm is older than what ckm needs.',
    'An old Node gets no security fixes, and lacks what ckm is built on.',
    'In a clone, run npm run setup, which brings a newer one into it, and start ckm as ./ckm; otherwise install a newer Node.',
  ],
  NOT_COMPILED: [
    'This clone holds the source of ckm and not yet the program.',
    'The program is compiled from the source on each machine by itself.',
    'Run npm run setup in the clone.',
  ],
  PACKAGE_MISSING: [
    'A package that ckm is built on is not installed where ckm looks for it.',
    'An installation that was interrupted, or copied in part, cannot run.',
    'In a clone, run npm run setup; installed from npm, install it again.',
  ],
  INTERNAL: [
    'An internal error: a defect of ours.',
    'Details are not shown, because they could hold anything.',
    'Run again with CKM_TRACE=1 and report what it prints, after reading it for secrets.',
  ],
});
