import { explanationsOf } from './explanation.js';

/** Codes that whoever runs a server meets: its data directory, its clock, its socket, its passphrase. */
export const OPERATOR_EXPLANATIONS = explanationsOf({
  SERVER_NOT_RUNNING: [
    'No server runs on this data directory.',
    'Operators speak to a server over a socket in its data directory; nobody answers there.',
    'Start it with ckm server start FOLDER, as the same user.',
  ],
  OPERATOR_ANSWER_CUT_SHORT: [
    'The server ended its answer before its end.',
    'It was stopped, or something failed on the way; half an answer is not used.',
    'Look into the log of the server, then ask again.',
  ],
  SERVER_NOT_READY: [
    'The server is just opening or stopping.',
    'Half open, it would answer from half of what it knows.',
    'Try again in a moment; see ckm server status FOLDER.',
  ],
  SERVER_RUNNING: [
    'A server runs on this data directory already.',
    'Two on one database would each believe to be the only one, and could use a nonce twice.',
    'Stop it with ckm server stop FOLDER, or choose another folder.',
  ],
  SERVER_STILL_STOPPING: [
    'The server on this data directory is stopping.',
    'It finishes what it was asked before it lets go of its database.',
    'Wait until it has stopped, then start it again.',
  ],
  CONFIG_MISSING: [
    'There is no server in this folder, or its config.json is gone.',
    'A server is made once, with its identity; starting never makes one by accident.',
    'Check the path, or make one with ckm server init FOLDER --name NAME. Where the other files of a server lie there, write config.json again, or restore a backup into a new folder: ckm server restore BACKUP NEWFOLDER.',
  ],
  ARITHMETIC_SLOW: [
    'No library that computes in constant time loads on this machine.',
    'Shares and nonces would be multiplied in JavaScript, and how long that takes depends on them.',
    'Install the dependencies again on this machine. For a test alone, set CKM_ALLOW_SLOW_ARITHMETIC=1.',
  ],
  CONFIG_INVALID: [
    'A setting of the server cannot be used.',
    'A setting that is guessed could open the server to somebody.',
    'Correct the setting that is named, in config.json or in the environment.',
  ],
  DATA_DIR_USED: [
    'There is already something in the folder.',
    'A new server over an old one would lose shares.',
    'Name an empty folder, or one that does not exist yet.',
  ],
  DATA_DIR_UNREADABLE: [
    'The user who runs this may not read the folder of the server.',
    'A folder is its owner’s alone. One that was made as root, say, stays shut for the user that the service runs as.',
    'Run the command as the user of the server (sudo -u ckm …), or give the folder to that user: chown -R.',
  ],
  DATA_DIR_EXPOSED: [
    'Other users of the machine may enter the data directory.',
    'The storage key, the database and the operator’s socket lie in it.',
    'Run the chmod that the hint names.',
  ],
  DATA_DIR_FOREIGN: [
    'The data directory belongs to another user than the one who runs the command.',
    'Whoever owns a folder can put files into it, a config.json that names a program for example.',
    'Run the command as the user of the server, or choose a folder of your own.',
  ],
  INSPECTOR_REFUSED: [
    'The process was started in a way that lets somebody look into its memory.',
    'Shares and the storage key are there while the server runs.',
    'Start it without that option of Node; look into NODE_OPTIONS too.',
  ],
  LISTEN_FAILED: [
    'The server cannot listen at its address.',
    'Something else listens there, this user may not use that port, or this machine has no such address. A copy of the server that is started beside it finds its own address taken.',
    'Set CKM_LISTEN to another host:port (it counts before "listen" in config.json), or stop the other program. Of one server only one may run: two at once fork its keys.',
  ],
  AUDIT_BROKEN: [
    'The audit log was changed, cut or exchanged.',
    'Each entry is bound to the one before it and to the storage key; the head is also kept outside the database.',
    'Keep the database as it is, find out who could write to it, and restore a backup. Tell the owners.',
  ],
  CLOCK_AHEAD: [
    'The clock of the machine is more than a year ahead of the last entry of the audit log.',
    'Everything that waits would expire at once and be forgotten, and the clock could not be set back afterwards.',
    'Set the clock right. If the server really rested for so long, start once with CKM_ACCEPT_CLOCK=1.',
  ],
  CLOCK_BEHIND: [
    'The clock of the machine is behind a moment at which this server has already lived.',
    'With the clock set back, expired messages and requests would come to life again.',
    'Set the clock right. If it was wrong before, start once with CKM_ACCEPT_CLOCK=1.',
  ],
  CLOCK_JUMPED: [
    'The clock of the machine of a server jumped while the server ran.',
    'The server goes on by the time that has passed: after a jump ahead everything that waits would expire at once, after one back what has expired would come to life again. Messages are taken by either time after a jump ahead.',
    'Its operator sets the clock right, and the server says that it is. If the clock is right now: after a jump ahead the server follows it with the next message of an owner whose clock agrees; after one back start it again with CKM_ACCEPT_CLOCK=1.',
  ],
  INVITES_CLOSED: [
    'The server is closed, so nobody could use an invite.',
    'A code that opens nothing would only disappoint whoever gets it.',
    'Set "accounts" to "invite" in config.json and start the server again, or let it stay closed.',
  ],
  INVITE_USED: [
    'Somebody has opened an account with this invite.',
    'Taking back the code would not take back the account.',
    'Suspend the account: ckm server accounts suspend FOLDER XID.',
  ],
  OPERATOR_UNKNOWN_ID: [
    'Nothing the server has begins with these digits.',
    'It may be answered, expired or withdrawn by now.',
    'List what there is: ckm server requests FOLDER, ckm server accounts list FOLDER.',
  ],
  OPERATOR_AMBIGUOUS_ID: [
    'More than one id begins with these digits.',
    'Choosing one of them could approve what you did not mean.',
    'Give more digits.',
  ],
  OPERATOR_INPUT_INVALID: [
    'The server cannot read what the operator’s command sent.',
    'What is read in part could mean something else.',
    'Check the value that is named; if it looks right, compare the versions of ckm and the server.',
  ],
  OPERATOR_ANSWER_UNREADABLE: [
    'The server answered the operator with something that cannot be read.',
    'The two may be of different versions.',
    'Compare ckm --version with ckm server status FOLDER.',
  ],
  REQUEST_ID_INVALID: [
    'The id of a request is 4 to 64 hex digits.',
    'Fewer digits would name too many requests.',
    'Copy it from ckm server requests FOLDER.',
  ],
  REQUEST_ID_SHORT: [
    'With --yes nobody reads the sentence, so the request must be named by all 64 digits of its id.',
    'Whoever asks chooses the id: a few digits could name another request by the time you say yes.',
    'Leave --yes out and read the sentence, or copy the whole id from ckm server requests FOLDER --json.',
  ],
  SERVER_SEALED: [
    'The server waits for its passphrase and answers nobody.',
    'Its storage key lies under a passphrase, so that a stolen disk is of no use.',
    'Its operator opens it with ckm server unseal FOLDER.',
  ],
  PASSPHRASE_TOO_WEAK: [
    'The new passphrase, for the owner seed or for a server, is too short.',
    'Whoever copies the disk may try passphrases as long as they like.',
    'Use five or more random words.',
  ],
  PASSPHRASE_TOO_MANY_TRIES: [
    'Too many wrong passphrases were given.',
    'Waiting makes guessing slow.',
    'Wait as long as the hint says, then try again.',
  ],
});
