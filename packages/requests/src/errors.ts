import { EncodingError, type Remedy } from '@ckm/foundation';

/** Every code with which a payload is refused, and what to do about it. */
export const REQUEST_ERRORS = {
  PAYLOAD_TOO_LARGE: 'send a smaller request',
  PAYLOAD_MALFORMED: 'build the payload with the functions of @ckm/requests',
  PAYLOAD_VERSION_UNKNOWN: 'update the older side: the payload is of another version',
  SIGNATURE_COUNT_WRONG: 'pass one signature for each task, in the same order',
  SIGNATURE_INVALID: 'sign again; if it happens twice, find out which server sends wrong shares',
  LABEL_INVALID: 'name it with words between slashes, such as backup/nas',
  KEY_MALFORMED: 'use the public key package of the key itself',
  MESSAGE_DOMAIN_INVALID: 'use 1 to 64 letters, digits, or . _ / : @ + - as the domain',
  MESSAGE_LOOKS_LIKE_ANOTHER_PROTOCOL: 'sign it with a domain, or as the kind of request it belongs to',
  MESSAGE_IS_BARE_DIGEST: 'sign the message itself, or give it a domain',
  SSH_NAMESPACE_INVALID: 'use a namespace of 1 to 64 printable ASCII characters, such as file',
  SSH_NAMESPACE_IS_GIT:
    'ask for it as a git request, so that the commit can be described; in git: gpg.ssh.program = ckm-git-sign',
  SSH_HASH_UNKNOWN: 'use sha256 or sha512',
  SSH_DIGEST_ZERO: 'send the digest of a real message',
  SSH_CHALLENGE_MALFORMED: 'pass on exactly the bytes that OpenSSH asked the agent to sign',
  SSH_ALGORITHM_UNSUPPORTED: 'offer the key as ssh-ed25519',
  SSH_USER_INVALID: 'log in with a user name of printable characters',
  SSH_KEY_NOT_OURS: 'ask the key that the challenge names',
  SSH_HOST_KEY_MALFORMED: 'connect again: the server key in the challenge cannot be read',
  SSH_SIGNATURE_MALFORMED: 'pass an armored SSH signature',
  GIT_OBJECT_MALFORMED: 'pass the object exactly as git wrote it',
  GIT_ALREADY_SIGNED: 'remove the old signature first, as git commit --amend does',
  GIT_ENCODING_UNSUPPORTED: 'write it as UTF-8: unset i18n.commitEncoding',
  GIT_PUSH_TOO_LARGE: 'push at most 1,000 branches and tags at once',
  GIT_TAG_UNTERMINATED: 'end the tag message with a newline',
  PSBT_MALFORMED: 'export the transaction as a PSBT (BIP-174 or BIP-370) again',
  PSBT_TOO_MANY_PARTS: 'split the payment into smaller transactions',
  PSBT_NO_INPUT_OF_KEY: 'check that the PSBT belongs to this key and carries taproot derivation paths',
  PSBT_INPUT_AMOUNT_UNKNOWN: 'let the wallet add the spent output (witness UTXO) of every input',
  PSBT_INPUT_CONTRADICTS:
    'let the wallet make it again: what an input says about its coin cannot all be true',
  PSBT_INPUT_PATH_FALSE: 'do not sign this: an input claims a path of the key that leads elsewhere',
  PSBT_INPUT_OWNER_HIDDEN: 'do not sign this: an input of the key is passed off as somebody else’s',
  PSBT_INPUT_REPEATED: 'do not sign this: the same coin is spent twice',
  PSBT_INPUT_SIGNED_WRONGLY: 'remove the signature that is already there and try again',
  PSBT_OUTPUT_PATH_FALSE: 'do not sign this: an output is passed off as change of the key',
  PSBT_OUTPUT_NOT_SPENDABLE: 'let the wallet send change to a taproot address of the key',
  PSBT_SIGHASH_REFUSED: 'ask for a signature over the whole transaction (SIGHASH_DEFAULT or SIGHASH_ALL)',
  PSBT_AMOUNT_IMPOSSIBLE: 'do not sign this: the amounts do not add up',
  PSBT_TOO_MANY_SIGNATURES: 'spend fewer coins at once',
  PSBT_ALREADY_SIGNED: 'nothing is left to sign: take the finished transaction out of it',
  PSBT_SIGNATURE_WRONG: 'let whoever owns that coin sign it again',
  PSBT_INPUT_UNCHECKABLE:
    'hand the signed PSBT to the wallet that knows that coin: it makes the final transaction',
  PSBT_TXID_DIFFERS:
    'find out who changed it: the fee, a coin or an output is another than where the id comes from',
  PSBT_TXID_UNDECIDED: 'let the others sign first, or sign without naming an id',
  TXID_INVALID: 'use the 64 hex digits that a wallet shows',
  PSBT_NOT_SIGNED: 'hand the PSBT on to whoever has to sign the rest',
} as const satisfies Record<string, string>;

export type RequestErrorCode = keyof typeof REQUEST_ERRORS;

const REMEDY_OF: Readonly<Partial<Record<RequestErrorCode, Remedy>>> = {
  PSBT_ALREADY_SIGNED: { kind: 'extractTransaction' },
};

/** The error for a payload that is refused; the message says what is wrong with which part and quotes nothing. */
export function refusal(code: RequestErrorCode, message: string): EncodingError {
  const remedy = REMEDY_OF[code];
  return new EncodingError(message, {
    code,
    hint: REQUEST_ERRORS[code],
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** Throws {@link refusal} unless `condition` holds. */
export function demand(condition: boolean, code: RequestErrorCode, message: string): asserts condition {
  if (!condition) throw refusal(code, message);
}
