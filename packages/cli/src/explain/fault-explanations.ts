import { groupOf, type Explanation, explanationsOf } from './explanation.js';

const MAKING = groupOf(
  'Anybody can check it, and no honest server does it: the server that is named is broken or in somebody else’s hands.',
  'Tell the operator of the server that is named; make the key again with another server in its place.',
  {
    FAULT_OFFER_INVALID: 'While a key was made, a server offered another identity than its pinned one.',
    FAULT_ROSTER: 'A server’s static key is used twice, or its proof or signature does not hold.',
    FAULT_PACKET_INVALID:
      'A server sent a packet that is unreadable, not its own, or of another round or session.',
    FAULT_EQUIVOCATION:
      'A server said two different things in one round; both are kept as evidence, with its signatures.',
    FAULT_SESSION: 'A server dealt shares that belong to another run.',
    FAULT_COMMITMENT_OPENING: 'What a server opened in round 1 is not what it had committed to in round 0.',
    FAULT_DEALING_COPIED: 'A server dealt what another server had dealt.',
    FAULT_DEALING_LENGTH: 'A server dealt for another quorum than agreed.',
    FAULT_POINT_INVALID: 'A server sent a point that is not in the group, or is zero.',
    FAULT_PROOF_INVALID: 'A server’s proof that it knows its part does not hold.',
    FAULT_SIGNATURE_INVALID: 'A server’s signature under the transcript does not hold.',
    FAULT_CERTIFICATE_DIFFERS: 'A server holds another key than all others, under the same id.',
    FAULT_ACKNOWLEDGEMENT_INVALID: 'A server did not sign that it stored the certificate.',
  },
);

const CHANGING = groupOf(
  'Anybody can check it, and no honest server does it: the key would be another, so nothing was changed.',
  'Tell the operator of the server that is named, and order the change again without it. The key goes on as it is.',
  {
    FAULT_CONSTANT_TERM:
      'In a change of servers, a server dealt another share than the one it was certified for.',
  },
);

const SUSPICIONS = groupOf(
  'One server’s word against another’s: either may be broken or in somebody else’s hands, so nobody is found at fault.',
  'Ask the operators of both, and make the key again without one of them.',
  {
    SUSPECT_ACCUSATION:
      'A server says that another broke the rules, and the signed packets at hand do not show it.',
    SUSPECT_SEALED_PAYLOAD:
      'A server says that it could not open what another had sealed to it, or not read what was inside.',
    SUSPECT_SHARE:
      'A server says that it could not open the share another dealt to it, or that it does not fit.',
  },
);

const SIGNING = groupOf(
  'Its part was checked against the certified key and does not fit; the others signed without it where enough are left.',
  'Ask the operator of the server that is named; until it is clear, sign with --without NAME. The evidence is for your own eyes: nobody can tell whether you made it up.',
  {
    FAULT_SHARE_INVALID:
      'A server sent a signature share that does not match its commitment and verifying share.',
    FAULT_COMMITMENT_INVALID: 'A server gave a commitment that is not two elements of the group.',
    FAULT_MALFORMED: 'A server sent something that is not of its form, or too many or too few of it.',
    SUSPECT_NONCES_LOST: [
      'A server said more than once during one request that it was restarted and forgot its commitments.',
      'Nobody can check that; ask its operator whether it was restarted, and sign with --without NAME until it is clear. Where it runs as several processes, its proxy has to keep each client at one of them (docs/operating.md, Replicas).',
    ],
    FAULT_OUT_OF_TURN: 'A server answered what it was not asked, or gives nothing that can be used.',
    SIGNATURE_SHARE_WRONG: 'A server found that its own share is wrong before sending it.',
    COMMITMENT_REPLACED: 'A server was shown another commitment of its own than it made.',
    COMMITMENT_INVALID: 'A signing package holds a commitment that is not two elements of the group.',
  },
);

const REPAIRS = explanationsOf({
  FAULT_SPLIT_WRONG: [
    'While a share was repaired, a helper split something else than its certified part.',
    'Anybody can check it with the certificate: the server that is named is broken or in somebody else’s hands.',
    'Tell the operator of the server that is named, and repair with other helpers.',
  ],
  LOSS_STATEMENT_INVALID: [
    'A server is said to have lost its share, and the certified server of that slot did not say so of this epoch.',
    'A share is given back to nobody but the server that the certificate names.',
    'Ask the operator of that server for a new statement; if he knows of none, somebody tries to get the share.',
  ],
  REPAIR_HELPERS_INVALID: [
    'The server that has lost its share is named among its own helpers.',
    'Helpers are servers that have theirs.',
    'Name as many other servers of the key as its quorum needs.',
  ],
  SEALING_SECRET_WRONG: [
    'The secret at hand does not belong to the statement of the loss.',
    'What the helpers seal opens with the secret made with the statement, and with nothing else.',
    'Make a new statement at the server that has lost its share, and begin the repair again.',
  ],
});

const RETRY = groupOf(
  'It can happen to honest servers; blaming one for it would let a courier set them against each other.',
  'Start again.',
  {
    RETRY_VIEWS_DIFFER:
      'The servers heard different things of each other; the session ended before anything secret depended on it.',
    RETRY_KEY_DEGENERATE:
      'The parts add up to a key that cannot be used, which chance brings about practically never.',
    RETRY_KEY_DIFFERS: [
      'What was dealt in a change adds up to another key, although each part is as certified: the certificate contradicts itself.',
      'Fetch the certificate of the key from another server, then order the change again.',
    ],
    RETRY_OWN_STATE_LOST: 'A server lost its state of the session, after a restore of a backup for example.',
    RETRY_VERSION_DIFFERS: [
      'The servers run different versions of the protocol.',
      'Bring all servers to one version, then start again.',
    ],
  },
);

const PARTS = explanationsOf({
  CERTIFICATE_INVALID: [
    'The certificate of a key is not whole.',
    'Without every part of it the key is not proved.',
    'Fetch it from another server of the key.',
  ],
  CERTIFICATE_KIND_UNKNOWN: [
    'The certificate is of a kind that this version does not know.',
    'A newer version made it; what cannot be checked is not believed.',
    'Bring this program up to the version that made the key.',
  ],
  CHANGE_NOT_SETTLED: [
    'Too few servers of the epoch before have settled on this certificate, where several of its epoch hold.',
    'A certificate counts when enough of them say the same; otherwise two halves could each settle on their own.',
    'Nothing was changed by showing it. Ask the servers that have not said anything yet.',
  ],
  CHANGE_INVALID: [
    'A change of servers does not fit the key that it is to change; the message names what of it.',
    'It may change servers and quorum, and nothing else: not the key, its purpose or terms, nor who a known server is; and it must be what was ordered.',
    'Ask for the proposal again.',
  ],
  CHANGE_NOT_DECIDED: [
    'Too few servers of the epoch before decided on this change of servers.',
    'Signatures of the next servers alone change nothing: otherwise two halves could each go their own way.',
    'Ask another server for the certificate; while all show the same, do not follow the change.',
  ],
  SHARE_NOT_CERTIFIED: [
    'The share that this server has stored is not the one that was certified for it.',
    'A damaged share, or one of another epoch, is used for nothing: its server would be taken for a liar.',
    'Have the others give it its share back: ckm key repair NAME --server SERVER.',
  ],
  STATIC_SECRET_WRONG: [
    'The static secret does not belong to the key it is used for.',
    'Only the server’s own secret for this very key opens its share.',
    'Use the secret that this server made for this key.',
  ],
});

/** Codes that say who is at fault, or that nobody is. */
export const FAULT_EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ...MAKING,
  ...CHANGING,
  ...SUSPICIONS,
  ...SIGNING,
  ...REPAIRS,
  ...RETRY,
  ...PARTS,
};
