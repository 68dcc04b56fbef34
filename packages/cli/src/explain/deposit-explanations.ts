import { groupOf } from './explanation.js';

/** Codes about shares of a secret that lie at servers: `ckm csr`. */
export const DEPOSIT_EXPLANATIONS = groupOf(
  'Shares of a secret lie at several servers, under 24 words of their own, so that whoever has lost everything else brings it back from enough of them.',
  'Do as the hint says; docs/share-servers.md has the whole way.',
  {
    DEPOSIT_EXISTS: [
      'The words of this owner lie in shares at servers already.',
      'New words for them: ckm csr rotate. Two servers more: ckm csr upgrade. Where the words of the shares are lost: ckm csr store --anew.',
    ],
    DEPOSIT_NOT_FOUND: [
      'The servers that answer keep nothing under these 24 words. They may be the owner’s words, or those of shares that were rotated or deleted.',
      'Look at the paper once more: the words of shares are not those of the owner. Name another server that had a share.',
    ],
    DEPOSIT_OTHER: [
      'Shares of another secret lie under these words.',
      'Each secret has words of its own: leave the words out, and new ones are drawn.',
    ],
    DEPOSIT_SECRET_LENGTH: [
      'What is shared out has 16 to 32 bytes, as seeds have.',
      'Share out the seed, and keep what is longer sealed under it.',
    ],
    DEPOSIT_SERVERS: [
      'Shares go to three servers, two of which are needed, or to five, three of which are needed.',
      'ckm server list shows yours; name three or five of them with --servers, or add more: ckm server add NAME URL.',
    ],
    DEPOSIT_SHARES_TOO_FEW: [
      'Fewer shares came back than it takes. The message says what each of the other servers did.',
      'Try again when more of them answer; name another server that has a share, where you know one.',
    ],
    DEPOSIT_DAMAGED: [
      'Enough shares are here and no choice of them opens what they keep: no honest server does that.',
      'Try with the address of another server that has a share, and tell the operators.',
    ],
    DEPOSIT_TOO_LONG: [
      'In each envelope stands where the other shares lie, and it has 1,000 bytes.',
      'Take servers with shorter addresses.',
    ],
    DEPOSIT_UNFINISHED: [
      'A server that is to have a share has none: it was away when the shares were stored, or it has lost or deleted it. Two servers more get one when the first three have theirs.',
      'ckm csr store, with the same words, stores it there; nothing is stored twice. If a server loses it again: ckm csr rotate --servers, with another one in its place.',
    ],
    DEPOSIT_UNKNOWN: [
      'Nothing stands on record here of shares under these words, so that nobody knows which two servers are new.',
      'Type the words of the shares; in another folder than the one they were stored from, first: ckm csr check.',
    ],
    DEPOSIT_WORDS_OWNER: [
      'The owner’s words were given where the words of the shares belong. Whoever has the owner’s words needs no shares, and shares under them would be fetched by whoever has them.',
      'Type the 24 words that ckm csr store has shown.',
    ],
    DEPOSIT_WORDS_SAME: [
      'The same words were given for the new shares as for the old ones. Nothing was stored or deleted: the old shares would have gone, and no new ones would have come.',
      'Type the words that ckm csr rotate has shown for the new shares; where none were begun, leave --new-words-file out, and new ones are drawn.',
    ],
    DEPOSIT_WORDS_DIFFER: [
      'The words of shares that were shown and those that were typed afterwards differ: what stands on the paper would bring nothing back.',
      'Do it again: new words are drawn, and nothing lies under those.',
    ],
    DEPOSIT_BEGUN: [
      'Shares were begun under these words, and each of them names the servers of all. Other servers cannot take a place among them.',
      'Leave --servers out, and go on. Where one of those servers never comes: ckm csr rotate --anew (or ckm csr store --anew), with new words; what was begun goes by ckm csr delete --gone SERVER.',
    ],
    DEPOSIT_NO_OWNER: [
      'What came back is not an owner seed, so that no owner is made of it.',
      'ckm csr recover URL --out FILE writes it down.',
    ],
    FAULT_SHARE: [
      'A server that has a share gave something else: what is damaged, old or somebody else’s. The others sufficed.',
      'Tell its operator; ckm csr rotate --servers leaves it out.',
    ],
    FAULT_DEPOSIT_RECEIPT: [
      'A server was given a share and named another one as kept. No honest server does that.',
      'Tell its operator, and take another server in its place.',
    ],
  },
);
