export { connectOperator, type Operator } from './control/connect-operator.js';
export type {
  OperatorAccount,
  OperatorAuditLine,
  OperatorAuditVerification,
  OperatorInvite,
  OperatorKey,
  OperatorKeyPolicy,
  OperatorRequest,
  OperatorStatus,
  TightenBody,
} from './control/protocol.js';
export { assertSettings, CONFIG_FILE, type ConfigFileInput } from './config/load-config.js';
export { ENV_NAMES } from './config/env.js';
export { type RunningServer, startServer, type StartServerOptions } from './main.js';
export { initServer, type InitServerOptions } from './server/init-server.js';
export { verifyAuditLog } from './server/verify-audit-log.js';
export type { WebApp } from './http/listen.js';
export { VERSION } from './version.js';
