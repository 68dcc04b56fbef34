export { type PostgresCluster, postgresPrograms, startPostgres } from './postgres.js';
export type { Callee } from './callee.js';
export {
  type Ceremony,
  type CeremonyOptions,
  type CourierStep,
  createCeremony,
  paramsOf,
  type Passage,
  type Tampering,
} from './courier.js';
export { type Ask, createQuorumSigner, type QuorumSigner, type SignerOptions } from './quorum-signer.js';
export { corrupting, delaying, dropping, substituting } from './adversary/tampering.js';
export { createRogueServer, type Lie, type RogueServer } from './adversary/rogue-server.js';
