import { COMMAND_LINE_PAGES } from './command-line-pages.js';
import { FAULT_PAGES } from './fault-pages.js';
import { FORMAT_PAGES } from './format-pages.js';
import { OPERATOR_PAGES } from './operator-pages.js';
import { OWNER_PAGES } from './owner-pages.js';
import type { Page } from './page.js';
import { REQUEST_PAGES } from './request-pages.js';
import { SERVER_PAGES } from './server-pages.js';
import { SSH_PAGES } from './ssh-pages.js';

/** A page for every code that any part of CKM can raise. */
export const PAGES: ReadonlyMap<string, Page> = new Map(
  [
    COMMAND_LINE_PAGES,
    OWNER_PAGES,
    FAULT_PAGES,
    REQUEST_PAGES,
    SERVER_PAGES,
    OPERATOR_PAGES,
    SSH_PAGES,
    FORMAT_PAGES,
  ].flatMap((pages) => Object.entries(pages)),
);
