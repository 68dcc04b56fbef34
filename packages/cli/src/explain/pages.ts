import type { Page } from './page.js';
import { COMMAND_LINE_PAGES } from './command-line-pages.js';

/** A page for every code that any part of CKM can raise. */
export const PAGES: ReadonlyMap<string, Page> = new Map(
  [COMMAND_LINE_PAGES].flatMap((pages) => Object.entries(pages)),
);
