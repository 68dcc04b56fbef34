export { type PostgresCluster, type Postmaster, postgresPrograms, startPostgres } from './postgres.js';
export { type PostgresStandby, startStandby } from './standby.js';
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
export {
  type CarriedChange,
  carryChange,
  type ChangeOptions,
  completeChange,
  fetchChain,
  type NextMember,
  type WholeChange,
} from './change-courier.js';
export { nextMember } from './next-member.js';
export {
  type Ask,
  createQuorumSigner,
  preparing,
  type QuorumSigner,
  type SignerOptions,
} from './quorum-signer.js';
export { corrupting, delaying, dropping, substituting } from './adversary/tampering.js';
export { createRogueServer, type Tamper, type RogueServer } from './adversary/rogue-server.js';
export { callOverHttp, type OnMessage } from './http-callee.js';
export {
  canSpawnServers,
  type PlannedKill,
  type ServerProcess,
  type ServerProcessOptions,
  spawnServer,
} from './server-process.js';
export { type ChaosReport, runSchedule } from './chaos/index.js';
export { isPgBouncerHere, type PgBouncer, startPgBouncer } from './pgbouncer.js';
export {
  type DatabaseProxy,
  type Haproxy,
  isHaproxyHere,
  startDatabaseProxy,
  startHaproxy,
} from './haproxy.js';
export { freePort, untilListening } from './ports.js';
export {
  type AssertionForm,
  type AuthenticatorAlgorithm,
  type AuthenticatorOptions,
  createAuthenticator,
  type SoftwareAuthenticator,
} from './authenticator.js';
export { BROKEN_ASSERTIONS, type BrokenAssertion } from './broken-assertions.js';
