// Longer than other files, because it is one table: every code with which a server refuses, by what the refusal protects.
import { groupOf, type Explanation } from './explanation.js';

const ACCESS = groupOf(
  'The server decides whom it serves and how much; it answers alike to strangers and to wrong signatures.',
  'Ask the operator of the server.',
  {
    ACCOUNTS_CLOSED: 'The server takes no new accounts.',
    ACCOUNTS_FULL: 'The server has as many accounts as its operator allows.',
    ACCOUNTS_PER_ADDRESS: [
      'As many accounts were opened from your address today as the operator allows.',
      'Try again tomorrow, or ask its operator.',
    ],
    ACCOUNT_UNKNOWN: ['You have no account on this server.', 'Open one: ckm server add.'],
    ACCOUNT_NOT_FROZEN: [
      'Some of the servers that were told to do nothing more for you did not answer, or refused: there whoever has a device of yours goes on.',
      'Say the same again until each has answered: ckm freeze --account. Where one refuses because seven days in thirty are used up, ask its operator to suspend the account: ckm server accounts suspend.',
    ],
    ACCOUNT_THAW_NOT_ASKED: [
      'Servers at which your account may be frozen did not answer: their operators have not been asked to end that.',
      'Say the same again: ckm thaw --account; or tell the operators yourself.',
    ],
    ACCOUNT_FROZEN: [
      'Your account at this server is frozen, by a device of yours or by your words: it signs nothing, makes nothing and changes nothing until that is over. Who froze it, and until when, stands in the message and in: ckm status.',
      'If you know nothing of it, somebody has a device of yours: take that out (ckm device remove NAME), which no freeze stops. Only its operator ends a freeze before its time: ckm thaw --account SERVER asks him, and tell him yourself.',
    ],
    ACCOUNT_SUSPENDED: 'The operator does not answer your account at present.',
    INVITE_REQUIRED: [
      'The server takes nobody without an invite.',
      'Ask its operator for a code, then: ckm server add NAME URL --invite-file FILE, or type it when asked on a terminal.',
    ],
    INVITE_INVALID: [
      'The invite was used, has expired, or never existed.',
      'Ask its operator for another code.',
    ],
    METRICS_LOCAL: 'Metrics are shown on the server’s own machine only.',
    QUOTA_KEYS: [
      'You have as many keys there as the operator allows; keys are never deleted.',
      'Ask the operator, who sets the quota of the whole server.',
    ],
    QUOTA_SESSIONS: [
      'You have as many open ceremonies there as the operator allows.',
      'Finish or cancel some: ckm sessions.',
    ],
    QUOTA_SHARES: [
      'Your account keeps as many shares at this server as it may.',
      'Delete those that are not needed any more.',
    ],
    QUOTA_WAITING: [
      'As many of your requests wait there as the operator allows.',
      'Cancel some: ckm requests.',
    ],
    QUOTA_MESSAGES: [
      'You sent more messages in a minute than the operator allows; a long one counts as several.',
      'Wait a minute.',
    ],
    QUOTA_COST: [
      'What you ask for in a minute takes more work than the operator allows; large payments cost most.',
      'Wait as long as it says, or split it into smaller ones.',
    ],
    QUOTA_IN_FLIGHT: [
      'You have as many messages in work there as one account may have.',
      'Wait for an answer before sending more.',
    ],
    REQUEST_READER_ENDED: [
      'The request took too much time or memory to read there, and was given up.',
      'Ask for less at once: fewer inputs and outputs.',
    ],
    QUOTA_BYTES: [
      'You have stored as much there as the operator allows.',
      'Ask the operator, who sets the quota of the whole server.',
    ],
    TOO_MANY_MESSAGES: ['The server gets more messages than it answers.', 'Wait a moment, then try again.'],
    LONG_MESSAGES_REFUSED: [
      'Many long messages came from your address that the server could not answer: somebody there sends rubbish.',
      'Run the command again: after any short message of yours long ones are read too. Or wait a minute.',
    ],
    SERVER_BUSY: ['The server answers as many messages as it can.', 'Wait a moment, then try again.'],
    SERVER_STOPPING: ['The server is stopping.', 'Try again in a minute.'],
    REQUEST_TIMEOUT: [
      'The server took too long to answer itself.',
      'Ask again: repeating a request is safe.',
    ],
  },
);

const POLICY = groupOf(
  'Owner and operator have each set rules for the key; the stricter one counts, on every server by itself.',
  'Ask for something the rules allow; the owner’s rules are shown by ckm key show.',
  {
    POLICY_RECOVERY: [
      'The key is to have recovery static, and the operator of this server allows none whose share its identity gives back.',
      'Make the key with --recovery epoch, or with other servers. The operator allows it with "backup": "static" in config.json.',
    ],
    POLICY_KIND: 'The key does not answer to requests of this kind here.',
    POLICY_KEY_STOPPED: [
      'This server computed a wrong share with the key, which it did not release, and has stopped the key.',
      'Its operator has to look at the machine, then: ckm server policy release FOLDER KEY. Until then use the other servers.',
    ],
    POLICY_KEY_FROZEN: [
      'The owner of the key has frozen it for a while: this server does nothing with it until then.',
      'It ends by itself. Earlier only operators end it: ckm thaw NAME asks them, each says ckm server policy thaw FOLDER KEY.',
    ],
    FREEZE_INVALID: 'A freeze lasts at most seven days and begins now: compare the clocks with ckm doctor.',
    FREEZE_OVER: [
      'This freeze was thawed, or its time has passed: the same one never comes back.',
      'Freeze the key anew: ckm freeze NAME.',
    ],
    FREEZE_USED_UP: [
      'The key was frozen for seven days of the last 30: whoever stole a laptop may not keep its owner out for ever.',
      'Freeze for a shorter time, or ask the operators: ckm server policy tighten FOLDER KEY --expires-in 0s stops it there.',
    ],
    POLICY_BLIND: 'Content that cannot be described is not signed with this key.',
    POLICY_RATE: [
      'The key was asked as often as it may be in this time. Requests count that wait, were rejected or taken back, and at a server that was restored, repaired or joined what the others say of the time before.',
      'Wait, then ask again. Where it says that others say so, and they say too much: its operator sees in its log which server said what, and has it go by its own count: ckm server policy release.',
    ],
    POLICY_COUNT_UNKNOWN: [
      'How often a key may be used belongs to the key. The server came back from an older state, got its share back, or joined the key, and does not know how often it was used before: until others have said so it counts all of it as spent.',
      'Sign again: the client asks the other servers, those of the epoch before too, and shows this one what they say. Where too few answer, wait until the moment that it names, when it knows by itself; or its operator decides: ckm server policy release.',
    ],
    POLICY_NO_RULE: [
      'None of the rules in the terms of this key surely fits the request. What a request does not say by its bytes opens no way in.',
      'Ask for something that a rule lets in. The message names what the request does not say; the rules are shown by ckm key show.',
    ],
    POLICY_PEOPLE_NOT_ASKED: [
      'By the terms of this key people have to say yes to this request, and the server asks nobody. What nobody was asked about is not done.',
      'Ask for something that a rule lets in without anybody, or have the operators bring their servers to a version that asks people.',
    ],
    POLICY_PEOPLE_SAID_NO: [
      'People whom the terms of this key name have said no, or too few of those whom a rule names have a say in this: whoever asks himself has none.',
      'Talk to them; what they are to look at again is asked for anew.',
    ],
    POLICY_KEY_EXPIRED: 'The key has expired: it answers nothing any more.',
    POLICY_REQUEST_EXPIRED: [
      'The request had expired when it arrived.',
      'Ask again; if it happens often, compare the clocks: ckm doctor.',
    ],
    KEY_NOT_EXPORTABLE: [
      'The key was made without leave to export it, which nobody can give it afterwards.',
      'Sign with it where it is. A key that may leave is made with: ckm key create NAME --exportable.',
    ],
    KEY_IS_FOR_DRILLS: [
      'A key that was made for a drill is made, repaired, signs one fixed text and is forgotten. A server does nothing else with it.',
      'Use the key itself. What a drill is: docs/drills.md.',
    ],
    NO_KEY_OF_A_DRILL: [
      'Something was asked for that servers do with keys of drills alone, about a key that is none. Nothing was done with it.',
      'If you did not ask for it, somebody uses your seed or your laptop: freeze the key with ckm freeze NAME, and look at the log with its operators.',
    ],
    DRILLS_TOO_MANY: [
      'Drills were left in the middle, and the server keeps the keys of eight of them for a week.',
      'Go on with those that were left: ckm drill restore NAME --lost SERVER; or have them forgotten: ckm drill clear.',
    ],
    KIND_NOT_FOR_PURPOSE: 'The policy allows kinds of request that the purpose of the key does not have.',
    SUITE_NOT_FOR_PURPOSE: 'The suite does not fit the purpose of the key.',
  },
);

const MOMENT = groupOf(
  'The server has moved on, or it remembers the same id with other content; it never mixes two.',
  'Look where the ceremony is (ckm sessions), and go on or start again from there.',
  {
    SESSION_ID_TAKEN: 'Another ceremony has this id.',
    SESSION_DIFFERS: 'Other parameters were agreed on in this ceremony.',
    SESSION_NOT_ACCEPTED: 'The ceremony is not at the point where it can be joined.',
    SESSION_NOT_JOINED: 'The ceremony has not begun on this server.',
    PARAMETERS_DIFFER: 'The parameters are not those that were proposed and offered.',
    SESSION_NOT_WAITING: 'The ceremony does not wait for the operator any more.',
    SESSION_WORDS_WRONG: [
      'These are not the six words of this ceremony.',
      'Have the owner of the key read them to you: ckm key export NAME shows them there.',
    ],
    EXPORT_OPEN: [
      'An export of this key goes on at this server, perhaps from another of your devices.',
      'Go on with it where it was begun, or stop it: ckm key export NAME --stop.',
    ],
    EXPORT_NOT_AGREED: [
      'A share leaves a server only when it sees that as many servers as the quorum needs have signed a yes to this very export.',
      'Run the same command again: it collects them.',
    ],
    EXPORT_AFTER_RESTORE: [
      'The server came back from a backup or had its share repaired, and does not know what became of the key meanwhile.',
      'Refresh the key (ckm key refresh NAME), or take the shares of the other servers.',
    ],
    EXPORT_PEOPLE_MISSING: [
      'By the terms of this key people have to say yes before it is given out, and not enough have, or one has taken it back.',
      'Have them say yes (ckm approver list, and approve), and ask again.',
    ],
    SESSION_NOT_AS_SEEN: [
      'What waits under this id is not what the operator looked at.',
      'Look at it once more before you say yes.',
    ],
    CEREMONY_UNKNOWN: [
      'The server, or this version of ckm, has no ceremony of this kind.',
      'Compare the versions of client and server: ckm doctor.',
    ],
    KEY_ID_TAKEN: 'Another key has this id.',
    PUBLIC_KEY_TAKEN: [
      'You have this very key at the server already. One public key never serves two purposes.',
      'Use the key that is there, or make a new one for the other purpose: ckm key create.',
    ],
    IMPORT_DEALING_INVALID: [
      'What was dealt to the server of an imported key does not hold: its share is not the one that was committed to. Only the program that dealt it can have done that; no server is at fault.',
      'Import the key again, with a program that nobody has changed.',
    ],
    KEY_EPOCH_DIFFERS: [
      'Its servers have changed since you fetched the key: this server has it in another epoch, or in the same one by another certificate.',
      'Look with ckm key verify NAME: it takes over what servers can prove, and shows them what they have not seen. A server that came back from a backup of before the change has its share given back: ckm key repair NAME --server SERVER.',
    ],
    KEY_LEFT: [
      'This server is not among the servers of the key any more: a change of who holds it left it out.',
      'Ask the servers that hold it now: ckm key fetch.',
    ],
    KEY_HEAD_UNKNOWN: [
      'The server came back from an older state (a backup, or rows that were put back), and does not know whether the key has gone on without it. Until other servers have said that this epoch is the newest it neither signs nor deals.',
      'Sign again: the client asks the other servers and shows this one what they say. Where they have gone on, it is brought to their epoch, or repaired: ckm key repair.',
    ],
    HEADS_TOO_FEW: [
      'A server came back from an older state, and fewer others than it takes have said how far the key is.',
      'Try again when the others answer. If they never will, the operator of this server decides at its own socket: ckm server policy release.',
    ],
    COUNTS_TOO_FEW: [
      'A server that does not know how often a key was used has heard too few others. It takes n − t + 1 of them: one of those has counted each signature.',
      'Try again when the others answer. Until then the other servers sign, and this one knows by itself when its window has passed. If they never will, its operator decides at its own socket: ckm server policy release.',
    ],
    HEAD_INVALID: [
      'What a server says of how far a key is has not its form.',
      'Compare the versions of client and servers.',
    ],
    KEY_FORKED: [
      'The server was shown two certificates of one epoch of the key, and both hold: servers of the epoch before have signed twice. It answers nothing with the key, deletes nothing, and keeps both as evidence.',
      'Have its servers settle which of the two counts: ckm key settle NAME. With --preview it shows both, who signed twice, and who has a share by which. Ask those who signed twice why: one may have been started from a copy of its disk. Afterwards give the key new shares: ckm key refresh NAME.',
    ],
    CHANGE_SETTLED:
      'Of several certificates of that epoch another one counts: the servers of the key have settled that, or have gone on from it to a later epoch. What was settled against is destroyed, but at a server that went on behind it by two epochs or more, has been in that epoch for thirty days, has acknowledged the next one, came to the key by that certificate, or was given its share back: its operator is asked first (ckm server requests). Your other devices go over to what counts by themselves, with the next thing they do.',
    SETTLEMENT_INVALID: [
      'To settle which of several certificates of one epoch counts, all of them are shown to a server: different ones, and the one that it has itself among them.',
      'Ask all servers for what they have, and show all of it.',
    ],
    CHANGE_UNKNOWN: [
      'No such order about who holds the key was proposed to this server.',
      'Run the command of the change again: it proposes it to every server first.',
    ],
    CHANGE_SERVER_FALSE: [
      'A new server in the order is named by a key that its name is not made of: its operator’s words would be those of another server.',
      'Add the server again from its own address: ckm server add.',
    ],
    WORDS_ONLY:
      'A device asked for what the words alone may order: that fewer servers than ever decide on a change of a key. A stolen laptop shall not be able to.',
    CHANGE_NOT_MEMBER: 'The server is neither among those that hold the key nor among those that shall.',
    CHANGE_REFUSED: [
      'Before a key changes hands, its servers each say three things in turn, and never two that contradict each other. This one does not say what it was asked for; the message says why.',
      'Run the command of the change again: it goes on from where the servers are. After a try that came to nothing it waits ten minutes.',
    ],
    CHANGE_NOT_WAITING: 'The change does not wait for the operator: it was answered, cancelled, or is over.',
    CHANGE_WORDS_WRONG: [
      'An operator says yes to a change of who holds a key by typing its six words, as the owner reads them out: so that a stolen laptop alone moves no key.',
      'Call the owner of the key, and have the words read to you.',
    ],
    CHANGE_SHARE_LOST: [
      'The server has lost what it needs to open its share of the next epoch: it came back from a backup, for example. It holds an earlier epoch, and is among the servers of the newest.',
      'Have its share repaired by the others: ckm key repair NAME --server SERVER.',
    ],
    EPOCH_IN_USE: 'The server still uses the share that it is asked to destroy.',
    ACKNOWLEDGEMENTS_TOO_FEW: [
      'A server destroys an old share only when every server of the next epoch, or of a later one, has said that it has the new one.',
      'Run the command of the change again when the servers that are missing answer; one that is gone for good is left out by a change.',
    ],
    KEY_NOT_CERTIFIED: [
      'The server has a share but not the certificate.',
      'Finish making the key: ckm sessions resume.',
    ],
    CERTIFICATE_OF_ANOTHER_KEY: 'The certificate belongs to another key.',
    CHAIN_NOT_SHOWN: [
      'A server that joins a key, or comes back to it, checks the certificates of all its epochs; where they are too long for one message it is shown them page by page. It does not have what these certificates follow on.',
      'Run the command again: it shows them from where the server is (ckm key repair NAME, or the change of servers).',
    ],
    CHAIN_TOO_LONG: [
      'The key has gone through more epochs than a server takes in that was not among its servers all the time.',
      'Let the servers that have it keep it, and make another key for what is to come.',
    ],
    POLICY_NOT_CERTIFIED: [
      'The policy shown with the certificate is not the one that was certified with the key.',
      'Restore the record of the key (store/keys) from a copy, then try again.',
    ],
    KEY_NOT_RESTORABLE: [
      'The server cannot get its share back from the certificate: it was not set up with static backup, or the key is another owner’s.',
      'Have the other servers give it back: ckm key repair NAME --server SERVER. Until then the key lives while a quorum of them does.',
    ],
    CHANGE_CANNOT_DEAL: [
      'The share of this server came back from the others in this epoch of the key, and cannot be dealt on; or the server has lost it.',
      'Nothing, where enough others deal: they are taken. Else bring the servers back that do not answer, then change the key.',
    ],
    SHARE_NOT_LOST: [
      'A share was to be repaired that its server still has.',
      'Nothing has to be repaired: ckm key verify NAME. Where ckm key check says that it is damaged all the same, its operator restores the server, or another takes its place: ckm key repair NAME --server SERVER --by OTHER.',
    ],
    SHARE_RESTORABLE: [
      'The server can take its share from the certificate by itself, which needs nobody else.',
      'Let it: ckm key restore NAME.',
    ],
    REPAIR_SERVED: [
      'The server has helped the same slot in this epoch of the key before, and its operator has not agreed to do so again.',
      'Begin the repair anew, and ask the operators of the servers that help to agree: ckm server approve FOLDER ID.',
    ],
    REQUEST_DIFFERS: 'Something else was asked for under this id.',
    REQUEST_NOT_WAITING: 'The request does not wait for a decision any more.',
    REQUEST_NOT_AS_SEEN: [
      'What waits under this id is not what the operator looked at.',
      'Look at it once more before you say yes.',
    ],
    ATTEMPT_DIFFERS: 'Another package was shown under this attempt number; the commitments are used up.',
    ATTEMPT_INVALID: 'The package names too few or wrong signers, or lacks commitments.',
    EXPIRY_PASSED: ['The time named has passed.', 'Choose a time in the future, and check the clock.'],
    EXPIRY_TOO_FAR: [
      'The time named is further ahead than the server keeps things.',
      'Choose an earlier time.',
    ],
    STORAGE_WENT_BACK: [
      'The server’s database is older than the server has seen it: an old copy, or a standby without the last entries. It writes nothing to it.',
      'Its operator starts it again; ceremonies that were open end then. No nonce comes back. A backup of such a database is marked: keep the last good one, and find out why the database is older before you rely on it.',
    ],
  },
);

const MESSAGES = groupOf(
  'A message is signed by its sender, names its receiver and expires soon, so that nobody can send it again or elsewhere.',
  'Try again; if it persists, compare clocks (ckm doctor) and versions.',
  {
    MESSAGE_BEFORE_RESTORE: [
      'The message may have been made before its server was restored from a backup, which does not say what it has answered.',
      'Send the request again, a minute after the restore: until then clocks that are ahead could be meant.',
    ],
    MESSAGE_EXPIRED: 'The message arrived after it had expired.',
    MESSAGE_FROM_FUTURE: 'The message is dated later than the receiver’s clock allows.',
    MESSAGE_LIVES_TOO_LONG: 'The message would be valid for longer than the receiver remembers it.',
    MESSAGE_REPLAYED: 'The server has answered this very message before.',
    MESSAGE_NOT_FOR_ME: 'The message is sealed for, or addressed to, somebody else.',
    MESSAGE_SIGNATURE_INVALID: 'The message is not signed by the sender it names.',
    MESSAGE_NOT_AUTHENTICATED:
      'The server does not know the sender, or the signature does not hold; it does not say which.',
    MESSAGE_SENDER_UNKNOWN: 'Nobody with an account sent this message.',
    MESSAGE_DAMAGED: 'The message was changed on its way.',
    MESSAGE_INVALID: 'This is no message of ours.',
    MESSAGE_TOO_LONG: 'The message is longer than the receiver reads.',
    MESSAGE_UNEXPECTED: 'A reply came where a question is expected, or the other way round.',
    BODY_TOO_LONG: 'The message is longer than the server reads.',
    BODY_TYPE_WRONG: 'The message does not travel as application/octet-stream.',
    ROUTE_UNKNOWN: [
      'There is nothing at this path of the server: the address has a path too much, or its proxy does not take the path off.',
      'Compare the address with what the operator told you; operators find the setting in docs/operating.md, Behind a proxy.',
    ],
    FUNCTION_UNKNOWN: 'The server has no such function: it is older or newer than the client.',
    PROTOCOL_VERSION_UNKNOWN: [
      'Client and server speak different versions of the protocol; the message names them.',
      'Bring the older of the two up to date; keys and ceremonies stay as they are.',
    ],
    PARAMETERS_INVALID: 'A field of the question is not of its form; the message names it.',
    RESULT_INVALID: 'A field of the answer is not of its form; the message names it.',
    PROBLEM_UNREADABLE: 'The server answered with an error that nobody can read.',
    PACKET_INVALID: 'A packet between servers cannot be read.',
    RECEIPT_INVALID: 'What a server says of its old share cannot be read.',
  },
);

/** Codes with which a server refuses. */
export const SERVER_EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ...ACCESS,
  ...POLICY,
  ...MOMENT,
  ...MESSAGES,
};
