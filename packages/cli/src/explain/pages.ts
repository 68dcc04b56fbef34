import type { Page } from './page.js';
import { COMMAND_LINE_PAGES } from './command-line-pages.js';
import { OPERATOR_PAGES } from './operator-pages.js';
import { SSH_PAGES } from './ssh-pages.js';

/** A page for every code that any part of CKM can raise. */
export const PAGES: ReadonlyMap<string, Page> = new Map(
  [COMMAND_LINE_PAGES, OPERATOR_PAGES, SSH_PAGES].flatMap((pages) => Object.entries(pages)),
);
