/**
 * CBOR tags of the Gordian stack.
 * Source: BCR-2020-006 and BlockchainCommons/bc-tags-rust, src/tags_registry.rs.
 */
export const TAG = {
  date: 1,
  encodedCbor: 24,
  uri: 32,
  envelope: 200,
  leaf: 201,
  knownValue: 40000,
  digest: 40001,
  encrypted: 40002,
  compressed: 40003,
  request: 40004,
  response: 40005,
  function: 40006,
  parameter: 40007,
  x25519PublicKey: 40011,
  arid: 40012,
  publicKeys: 40017,
  salt: 40018,
  sealedMessage: 40019,
  signature: 40020,
  signingPublicKey: 40022,
  symmetricKey: 40023,
  xid: 40024,
  encryptedKey: 40027,
  sskrShare: 40309,
  sskrShareV1: 309,
} as const;
