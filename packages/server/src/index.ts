export { connectOperator, type Operator } from './control/connect-operator.js';
export { describeOperations } from './control/openapi.js';
export type { OperationName, OperatorParameters, OperatorResult } from './control/operations.js';
export type { OperatorAuditLine, OperatorAuditVerification } from './control/schemas/audit.js';
export type {
  OperatorKey,
  OperatorKeyCursor,
  OperatorKeyPolicy,
  TightenBody,
} from './control/schemas/keys.js';
export type { OperatorAccount, OperatorInvite } from './control/schemas/people.js';
export type { OperatorOutboxEntry } from './control/schemas/outbox.js';
export type { DrillVerdict, OperatorDrill } from './control/schemas/drills.js';
export type { OperatorChange } from './control/schemas/changes.js';
export type { OperatorRequest } from './control/schemas/requests.js';
export type { OperatorSession } from './control/schemas/sessions.js';
export type { OperatorStatus } from './control/schemas/status.js';
export type { ConfigFileInput } from './config/config-file.js';
export { assertSettings, CONFIG_FILE } from './config/load-config.js';
export {
  checkConfig,
  type ConfigOptions,
  describeConfig,
  type SettingNow,
} from './server/setup/check-config.js';
export { settingsPage } from './config/settings-page.js';
export { ENV_NAMES } from './config/env.js';
export { type RunningServer, startServer, type StartServerOptions } from './server/start-server.js';
export {
  backUpStoppedServer,
  type BackupOptions,
  noteBackupOfStopped,
} from './server/backups/back-up-server.js';
export {
  previewRestore,
  restoreServer,
  type RestoreOptions,
  type RestorePreview,
  type RestoreProgress,
} from './server/backups/restore-server.js';
export {
  type DatabaseKind,
  type Moved,
  type MoveOptions,
  type MoveProgress,
  moveServer,
  previewMove,
} from './server/move/move-server.js';
export { assertUnused } from './server/folder/data-dir.js';
export {
  drillBackup,
  type DrilledBackup,
  type DrilledShare,
  type DrillOptions,
} from './server/backups/drill-backup.js';
export { guardSecrets } from './server/process/guard-secrets.js';
export { backupName, faultyName, removeLeftOvers } from './backup/backup-name.js';
export type { BackupContents } from './backup/check-backup.js';
export { assertBackupPath, type BackupProgress, writeBackupFile } from './backup/write-backup-file.js';
export { initServer, type InitServerOptions } from './server/setup/init-server.js';
export {
  assertServerPassphrase,
  changePassphrase,
  encodePassphrases,
  type Passphrases,
} from './server/change-passphrase.js';
export { verifyAuditLog } from './server/verify-audit-log.js';
export type { WebApp } from './http/listen.js';
export { VERSION } from '@ckm/foundation';
