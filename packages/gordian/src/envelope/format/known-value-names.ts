/**
 * The names of the register, each row from its first value on: what starts with a capital is an object, the rest predicates.
 * Source: BCR-2023-002 and BlockchainCommons/known-values-rust, src/known_values_registry.rs.
 */
const ROWS: readonly (readonly [first: number, names: string])[] = [
  [0, ''],
  [
    1,
    'isA id signed note hasRecipient sskrShare controller key dereferenceVia entity name language issuer holder salt date Unknown version hasSecret edits validFrom validUntil position nickname value attestation verifiableAt',
  ],
  [50, 'attachment vendor conformsTo'],
  [60, 'allow deny endpoint delegate provenance privateKey service capability provenanceGenerator'],
  [70, 'All Authorize Sign Encrypt Elide Issue Access'],
  [80, 'Delegate Verify Update Transfer Elect Burn Revoke'],
  [100, 'body result error OK Processing sender senderContinuation recipientContinuation content'],
  [200, 'Seed PrivateKey PublicKey MasterKey'],
  [300, 'asset Bitcoin Ethereum Tezos'],
  [400, 'network MainNet TestNet'],
  [
    500,
    'BIP32Key chainCode DerivationPath parentPath childrenPath parentFingerprint PSBT OutputDescriptor outputDescriptor',
  ],
  [
    600,
    'Graph SourceTargetGraph ParentChildGraph Digraph AcyclicGraph Multigraph Pseudograph GraphFragment DAG Tree Forest CompoundGraph Hypergraph Dihypergraph',
  ],
  [700, 'node edge source target parent child Self'],
];

const NAMES: ReadonlyMap<number | bigint, string> = new Map(
  ROWS.flatMap(([first, names]) => names.split(' ').map((name, i) => [first + i, name])),
);

/** The registered name of a known value; the number where there is none. */
export function knownValueName(value: number | bigint): string {
  return NAMES.get(value) ?? String(value);
}
