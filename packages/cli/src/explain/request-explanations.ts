import { groupOf, type Explanation } from './explanation.js';

const READING = groupOf(
  'Servers and client read the same bytes; whatever they could not describe exactly is not signed.',
  'Build it again with the tool it came from; the hint says what is missing.',
  {
    PAYLOAD_MALFORMED: 'The request cannot be read.',
    PAYLOAD_TOO_LARGE: 'The request is longer than its kind allows.',
    PAYLOAD_VERSION_UNKNOWN: [
      'The request is of another version.',
      'Bring client and servers to one version.',
    ],
    REQUEST_KIND_UNKNOWN: ['There is no request of that kind.', 'Use message, bitcoin, ssh, git or derive.'],
    KEY_MALFORMED: 'The public key is not of the kind the request needs.',
    SIGNATURE_COUNT_WRONG: 'The number of signatures is not the number that was asked for.',
    SIGNATURE_INVALID: [
      'A finished signature does not verify, by a verifier that shares no code with the signers.',
      'Do not use it; sign again, and report it if it happens twice.',
    ],
    LABEL_INVALID: [
      'The label of a derived secret cannot be written in one way only, or has an empty part.',
      'Use words between slashes, such as backup/nas, without letters that do not show.',
    ],
    MESSAGE_DOMAIN_INVALID: 'The domain of a message has letters it may not have.',
    SSH_NAMESPACE_INVALID: 'The namespace of an SSH signature is not valid.',
    SSH_HASH_UNKNOWN: 'The SSH signature wants a hash that SSH does not define.',
    SSH_DIGEST_ZERO: 'The digest is zero, so it belongs to no message.',
    SSH_CHALLENGE_MALFORMED: 'What OpenSSH asked the agent to sign is neither a login nor a signature.',
    SSH_ALGORITHM_UNSUPPORTED: 'The login wants another algorithm than ssh-ed25519.',
    SSH_USER_INVALID: 'The user name of the login cannot be shown.',
    SSH_KEY_NOT_OURS: 'The challenge names another key.',
    SSH_HOST_KEY_MALFORMED: 'The server key in the challenge cannot be read.',
    SSH_SIGNATURE_MALFORMED: 'This is no armored SSH signature.',
    GIT_OBJECT_MALFORMED: 'This is no commit, tag or push certificate as git writes it.',
    GIT_ALREADY_SIGNED: 'The object already carries a signature.',
    GIT_ENCODING_UNSUPPORTED: [
      'The commit names an encoding in which its text cannot be read here.',
      'Write it as UTF-8: unset i18n.commitEncoding in git.',
    ],
    GIT_PUSH_TOO_LARGE: [
      'The signed push changes more branches and tags than anybody would read.',
      'Push at most 1,000 of them at once.',
    ],
    GIT_TAG_UNTERMINATED: 'The tag message does not end with a line break.',
    PSBT_MALFORMED: 'This is no PSBT of version 0 or 2.',
    PSBT_TOO_MANY_PARTS: 'The transaction has more inputs or outputs than can be shown.',
    PSBT_TOO_MANY_SIGNATURES: 'The transaction needs more signatures than one request may ask for.',
    PSBT_NO_INPUT_OF_KEY: 'No input of the transaction belongs to the key.',
    PSBT_INPUT_AMOUNT_UNKNOWN: 'An input does not say how much it spends.',
    PSBT_INPUT_SIGNED_WRONGLY: 'An input carries a signature that does not verify.',
    PSBT_ALREADY_SIGNED: [
      'The inputs of the key are signed already.',
      'Get the final transaction with ckm sign KEY --psbt FILE --extract.',
    ],
    PSBT_OUTPUT_NOT_SPENDABLE: 'Change goes to something the key cannot spend.',
    PSBT_NOT_SIGNED: [
      'An input of somebody else is not signed yet, so there is no final transaction.',
      'Sign without --extract, and hand the PSBT on to whoever has to sign the rest.',
    ],
    PSBT_SIGNATURE_WRONG: [
      'A signature of somebody else in the PSBT does not verify, so there is no final transaction.',
      'Let whoever owns that coin sign it again; the message names the input.',
    ],
    PSBT_INPUT_UNCHECKABLE: [
      'An input of somebody else is unlocked by a script of a kind that is not checked here, or checking it takes too long.',
      'Sign without --extract, and let the wallet that knows that coin make the final transaction.',
    ],
    PSBT_TXID_UNDECIDED: [
      'An input of somebody else is of an old kind, whose signature is part of the id of the transaction.',
      'Let the others sign first, or sign without --expect.',
    ],
    TXID_INVALID: [
      'What --expect names is no id of a transaction.',
      'Use the 64 hex digits that your wallet shows, or those of ckm sign KEY --psbt FILE --preview.',
    ],
    DESCRIPTOR_INVALID: 'A descriptor has a letter it may not have.',
  },
);

const LYING = groupOf(
  'Somebody tries to have something signed that is not what it looks like, or a tool is badly broken.',
  'Do not sign it. Find out who made it.',
  {
    MESSAGE_IS_BARE_DIGEST: 'A message of 32 bytes without a domain could be the digest of anything.',
    MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL:
      'Signed as it is, the message would be a statement in another protocol.',
    SSH_NAMESPACE_IS_GIT: [
      'A commit was asked for as a plain SSH signature.',
      'Use ckm git-sign or --git, so that the commit is described.',
    ],
    PSBT_INPUT_CONTRADICTS: [
      'What an input says about the coin it spends cannot all be true: amount, address, transaction or output differ.',
      'Let the wallet make the PSBT again; the message names the input.',
    ],
    PSBT_INPUT_PATH_FALSE: 'An input claims to belong to the key, and does not.',
    PSBT_INPUT_OWNER_HIDDEN: 'An input of the key is passed off as somebody else’s.',
    PSBT_INPUT_REPEATED: 'The same coin is spent twice.',
    PSBT_OUTPUT_PATH_FALSE: 'An output is passed off as change of the key, and is not.',
    PSBT_TXID_DIFFERS: [
      'The transaction is another one than --expect names: a coin, an amount or a payee differs.',
      'Compare it with the wallet that made it, and find out who changed it.',
    ],
    PSBT_SIGHASH_REFUSED: 'The signature would not cover the whole transaction.',
    PSBT_AMOUNT_IMPOSSIBLE: 'The amounts do not add up.',
  },
);

const WARNINGS = groupOf(
  'It is a warning: it is shown before you are asked, and what it means for you only you can say.',
  'Read the table again; answer no when in doubt.',
  {
    BLIND_SIGNING: 'Nobody can say what the content means.',
    HIDDEN_CHARACTERS: 'The text holds characters that cannot be seen; they are shown as escapes.',
    ENCODING_UNKNOWN:
      'The text is not UTF-8 and does not say in what encoding it is: other letters than a to z may be wrong.',
    ENCODING_TWO_WAYS: [
      'The text says one thing in the encoding that the commit names, and another as UTF-8.',
      'git shows the first, and some other programs the second: read both. Right when one of them is what you wrote; UTF-8 alone would say it to all.',
    ],
    PUSHER_IS_ANOTHER: 'A signed push names another key than the one that is to sign it.',
    PUSH_WITHOUT_NONCE: 'A signed push holds nothing that ties it to one push: it can be used again.',
    PUSH_WITHOUT_PUSHEE:
      'A signed push does not say which repository it is for: whoever has it can offer it to any that knows these branches.',
    REF_NAME_INVALID: 'A signed push changes a branch or tag of a name that git does not allow.',
    REFS_LOOK_ALIKE: [
      'A signed push changes two branches or tags that look the same, or that differ in capitals only.',
      'The warning writes each letter beyond ASCII as its number. See which of the two is yours.',
    ],
    SSH_HOST_UNKNOWN:
      'The login does not say which server it is for: whoever relays it can log in elsewhere.',
    FEE_HIGH:
      'The fee is a large part of what is paid, or of what the key itself pays or moves beside others.',
    FEE_RATE_ABSURD: 'The fee for each byte is far beyond what blocks have ever cost.',
    FEE_RATE_LOW: 'The fee for each byte is so low that the transaction may not be relayed.',
    DATA_SELDOM_RELAYED: 'The transaction carries more data, or in more outputs, than many nodes relay.',
    FOREIGN_SIGNATURE_WRONG:
      'A signature of somebody else does not verify: there is no transaction until its owner signs again.',
    FOREIGN_SIGNATURE_UNCHECKED:
      'Somebody else’s signatures are so many, or sign so much, that they were not checked; if one is wrong there is no transaction.',
    COIN_SIGNED_BEFORE: [
      'Another transaction that spends one of these coins was signed here before; the network takes one of the two.',
      'Right when it replaces that one, as to raise its fee. To pay both, spend another coin in the second.',
    ],
    COIN_REQUESTED_TWICE: [
      'Another request that is still open spends one of these coins; the network takes one of the two transactions.',
      'Right when this one replaces it: then cancel the other. To pay both, spend another coin in the second.',
    ],
    FOREIGN_INPUTS: 'Other people’s coins are spent in the same transaction.',
    NETWORK_CLAIMED: [
      'Only the request says that its addresses are those of a test network; a signature is valid on the main one too.',
      'Right when the owner uses the key on that network. Otherwise look at the coins it spends on the main one.',
    ],
    LOCKTIME: 'The transaction can only be sent later.',
    RELATIVE_LOCK: 'An input can only be spent some time after it was received.',
    CHANGE_INDEX_FAR: 'Change goes to an address so far ahead that a wallet may not find it.',
    CHANGE_PATH_UNUSUAL: 'Change goes to a path that wallets do not watch.',
    OUTPUT_BURNS: 'An output destroys what it receives.',
    OUTPUT_DUST: 'An output is too small to be spent later.',
    OUTPUT_FOR_ANYONE: 'Anybody can spend an output.',
    OUTPUT_SHARED:
      'An output goes where others can spend it beside the key, or the request says that the key can and nothing proves it; it counts as paid away.',
    OUTPUT_UNKNOWN_SCRIPT: 'An output pays to a script that has no address.',
    OUTPUT_UNSPENDABLE: 'Nobody can spend an output.',
  },
);

/** Codes of what can be asked to be signed. */
export const REQUEST_EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ...READING,
  ...LYING,
  ...WARNINGS,
  AMOUNT_NEGATIVE: {
    what: 'The description of a transaction came to an amount below nothing: a defect of ours.',
    why: 'Its digits would have read as another amount.',
    act: 'Do not sign it, and report it with the transaction.',
  },
  REQUEST_KIND_NOT_FOR_KEY: {
    what: 'The key was not made for requests of this kind.',
    why: 'One key never serves two roles: a signature for one could be used as a signature for the other.',
    act: 'Ask a key that was made for it, or make one: ckm key create --for …',
  },
};
