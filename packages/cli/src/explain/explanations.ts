import { APPROVER_EXPLANATIONS } from './approver-explanations.js';
import { BACKUP_EXPLANATIONS } from './backup-explanations.js';
import { COMMAND_LINE_EXPLANATIONS } from './command-line-explanations.js';
import { DEPOSIT_EXPLANATIONS } from './deposit-explanations.js';
import { DEVICE_EXPLANATIONS } from './device-explanations.js';
import { FAULT_EXPLANATIONS } from './fault-explanations.js';
import { FILE_EXPLANATIONS } from './file-explanations.js';
import { FORMAT_EXPLANATIONS } from './format-explanations.js';
import { OPERATOR_EXPLANATIONS } from './operator-explanations.js';
import { OWNER_DEVICE_EXPLANATIONS } from './owner-device-explanations.js';
import { OWNER_EXPLANATIONS } from './owner-explanations.js';
import type { Explanation } from './explanation.js';
import { REQUEST_EXPLANATIONS } from './request-explanations.js';
import { RUNNING_EXPLANATIONS } from './running-explanations.js';
import { SERVER_EXPLANATIONS } from './server-explanations.js';
import { SSH_EXPLANATIONS } from './ssh-explanations.js';
import { STORAGE_EXPLANATIONS } from './storage-explanations.js';
import { TERMS_EXPLANATIONS } from './terms-explanations.js';
import { TERMS_FILE_EXPLANATIONS } from './terms-file-explanations.js';
import { HEIR_EXPLANATIONS } from './heir-explanations.js';
import { VOTE_EXPLANATIONS } from './vote-explanations.js';
import { WAYS_BACK_EXPLANATIONS } from './ways-back-explanations.js';

/** What is said of every code that any part of CKM can raise. */
export const EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map(
  [
    COMMAND_LINE_EXPLANATIONS,
    OWNER_EXPLANATIONS,
    OWNER_DEVICE_EXPLANATIONS,
    FAULT_EXPLANATIONS,
    REQUEST_EXPLANATIONS,
    SERVER_EXPLANATIONS,
    DEVICE_EXPLANATIONS,
    DEPOSIT_EXPLANATIONS,
    OPERATOR_EXPLANATIONS,
    STORAGE_EXPLANATIONS,
    FILE_EXPLANATIONS,
    RUNNING_EXPLANATIONS,
    BACKUP_EXPLANATIONS,
    SSH_EXPLANATIONS,
    FORMAT_EXPLANATIONS,
    TERMS_EXPLANATIONS,
    TERMS_FILE_EXPLANATIONS,
    VOTE_EXPLANATIONS,
    HEIR_EXPLANATIONS,
    APPROVER_EXPLANATIONS,
    WAYS_BACK_EXPLANATIONS,
  ].flatMap((table) => Object.entries(table)),
);
