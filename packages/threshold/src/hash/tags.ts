/**
 * Every tag that `taggedHash` knows, with what it is for. Each is used at exactly one place, which a test asserts:
 * one hash for two roles lets a value made for one be replayed as the other.
 */
export const HASH_TAGS = {
  'CKM/change/hedge/v1': 'freshness of a receiver’s signature in a change',
  'CKM/change/receiver-statement/v1': 'what an identity key signs to vouch for a static key in a change',
  'CKM/change/root/v1': 'root of all randomness of one dealing: seed hedged with the share, for one session',
  'CKM/change/session/v1': 'session id of a change: all its parameters, nonces included',
  'CKM/change/view/v1': 'echo of the dealings of a change: what a party saw',
  'CKM/dkg/chain-code/v2': 'chain code of a new key',
  'CKM/dkg/ciphertexts/v1': 'all encrypted shares of a run, inside the certified transcript',
  'CKM/dkg/commitment/v1': 'commitment of round 0, opened in round 1',
  'CKM/dkg/expand/v1': 'every secret of a run out of its root, by label',
  'CKM/dkg/params/v1': 'names what a key is to be: suite, purpose, quorum, roster, terms',
  'CKM/dkg/root/v1': 'root of all secrets of a run: seed hedged with the static key',
  'CKM/dkg/session/v1': 'session id of a run',
  'CKM/dkg/signature-nonce/v1': 'one-time scalar of a COCKTAIL signature, hedged',
  'CKM/dkg/static-key/v1': 'static secret of a server for one key and epoch',
  'CKM/dkg/static-proof/v1': 'what the proof of possession of a static key signs',
  'CKM/dkg/static-statement/v1': 'what an identity key signs to vouch for a static key',
  'CKM/dkg/view/v1': 'echo of rounds 0 and 1: what a party saw',
  'CKM/key/check/v1': 'what a server proves when a key is checked, bound to the question',
  'CKM/key/recovery-ack/v1': 'acknowledgement that a server stored a certificate',
  'CKM/key/transcript/v1': 'names an epoch of a key: hash of what its servers signed',
  'CKM/dleq/nonce/v1': 'one-time scalar of a proof of equal discrete logarithms',
  'CKM/schnorr/nonce/v1': 'one-time scalar of a proof of knowledge',
  'CKM/schnorr/challenge/v1': 'challenge of a proof of knowledge',
  'CKM/packet/digest/v1': 'stands for what a packet says, wherever packets are compared (room api)',
  'CKM/packet/ephemeral/v1': 'what the ephemeral key of a sealed packet is derived from (room api)',
  'CKM/packet/previous/v1': 'echo of what everybody was told in the round before (room api)',
  'CKM/packet/run/v1': 'what a packet names as its session: id and parameters together (room api)',
  'CKM/packet/seal/v1': 'what the key of a sealed packet is bound to (room api)',
  'CKM/policy/v1': 'a policy inside certified parameters (room api)',
  'CKM/policy/server/v1': 'names the policy of a whole server in its audit log (room server)',
  'CKM/session/proposal/v1': 'what an operator looked at before saying yes to a ceremony (room server)',
  'CKM/backup/host/v1':
    'seed of all static backups of a server, out of the seed of its identity (room server)',
  'CKM/backup/static-seed/v1':
    'seed of the static key for one key of one owner, by static backup (room server)',
  'CKM/backup/check/v1':
    'checksum of the beginning of a backup: tells damage from a wrong passphrase (room server)',
  'CKM/backup/header/v1': 'beginning of a backup, to which each of its parts is bound (room server)',
  'CKM/audit/row/v1': 'one link of the audit chain (room server)',
  'CKM/invite/v1': 'name under which an invite code is stored (room server)',
  'CKM/epoch-key/name/v1': 'names the file of the key of an epoch (room server)',
  'CKM/session-key/name/v1': 'names the file of the key under which a ceremony is remembered (room server)',
  'CKM/request/payload/v1': 'what a signing request asked for, so that it stays the same (room server)',
  'CKM/request/tasks/v1': 'what there is to sign for a request, so that it stays the same (room server)',
  'CKM/request/attempt/v1': 'the package of one signing attempt, so that it stays the same (room server)',
  'CKM/frost/own-share/v1': 'checksum by which a signer knows its own, already checked share again',
  'CKM/frost/nonce-randomness/v1': 'randomness of a signing nonce, bound to the caller’s context',
  'CKM-ed25519-hd/v1': 'offset of a derived ed25519 key: 64 bytes, not through taggedHash',
  'CKM/hd/ed25519-chain/v1': 'chain code of a derived ed25519 key',
} as const satisfies Record<`CKM${'/' | '-'}${string}`, string>;

export type HashTag = keyof typeof HASH_TAGS;
