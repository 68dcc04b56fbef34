import type { Command } from 'commander';
import { branch } from '../command-line/run.js';
import { serverAccountsListCommand } from '../commands/server/accounts/list.js';
import { serverAccountsResumeCommand } from '../commands/server/accounts/resume.js';
import { serverAccountsSuspendCommand } from '../commands/server/accounts/suspend.js';
import { serverApproveCommand } from '../commands/server/approve.js';
import { serverAuditShowCommand } from '../commands/server/audit/show.js';
import { serverAuditVerifyCommand } from '../commands/server/audit/verify.js';
import { serverInitCommand } from '../commands/server/init.js';
import { serverInviteCreateCommand } from '../commands/server/invite/create.js';
import { serverInviteListCommand } from '../commands/server/invite/list.js';
import { serverPolicyShowCommand } from '../commands/server/policy/show.js';
import { serverPolicyTightenCommand } from '../commands/server/policy/tighten.js';
import { serverRejectCommand } from '../commands/server/reject.js';
import { serverRequestsCommand } from '../commands/server/requests.js';
import { serverStartCommand } from '../commands/server/start.js';
import { serverStatusCommand } from '../commands/server/status.js';
import { serverStopCommand } from '../commands/server/stop.js';
import { serverUnsealCommand } from '../commands/server/unseal.js';

/** What stands under `ckm server` for whoever runs one. */
export function operatorCommands(): readonly Command[] {
  return [
    serverInitCommand(),
    serverStartCommand(),
    serverStopCommand(),
    serverUnsealCommand(),
    serverStatusCommand(),
    serverRequestsCommand(),
    serverApproveCommand(),
    serverRejectCommand(),
    branch(
      'audit',
      'what the server did, and for whom',
      serverAuditShowCommand(),
      serverAuditVerifyCommand(),
    ),
    branch('invite', 'who may open an account', serverInviteCreateCommand(), serverInviteListCommand()),
    branch(
      'accounts',
      'who is answered',
      serverAccountsListCommand(),
      serverAccountsSuspendCommand(),
      serverAccountsResumeCommand(),
    ),
    branch('policy', 'what is allowed for a key', serverPolicyShowCommand(), serverPolicyTightenCommand()),
  ];
}
