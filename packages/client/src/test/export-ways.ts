import { asTable } from './ways-page.js';

/** How far a key of two servers, both of which are needed, has come out to its owner. */
export const EXPORT_STAGES = {
  asked: 'both servers wait for their operators',
  agreed: 'both have signed their yes; no share has left',
  given: 'the share of the other server has left',
} as const;
export type ExportStage = keyof typeof EXPORT_STAGES;

/** What has become of one of its servers meanwhile. */
export const EXPORT_FATES = {
  same: 'as it was',
  ended: 'found its database older than itself: its sessions are over',
  expired: 'the time of the export is over, at both servers',
  older: 'back from a backup older than the export',
  gone: 'does not answer',
  refused: 'its operator says no',
} as const;
export type ExportFate = keyof typeof EXPORT_FATES;

/** What comes of the same command, while operators say yes, and the way out where it does not go on. */
export const EXPORT_ENDS = {
  on: ['goes on, and ends with the key', ''],
  wait: ['goes on when the server answers', '`--stop`'],
  anew: ['does not go on', '`--stop`; the same command begins anew'],
  refresh: [
    'does not go on: a server that came back gives nothing out in that epoch',
    '`--stop`, and `ckm key refresh NAME`; the same command begins anew',
  ],
} as const;
export type ExportEnd = keyof typeof EXPORT_ENDS;

export interface ExportWay {
  readonly at: readonly ExportStage[];
  readonly fate: ExportFate;
  readonly ends: ExportEnd;
  /** What the same command first says of that server; null: the key is there at once. */
  readonly says: string | null;
}

const way = (
  fate: ExportFate,
  ends: ExportEnd,
  says: string | null,
  ...at: readonly ExportStage[]
): ExportWay => ({ at, fate, ends, says });

export const EXPORT_WAYS: readonly ExportWay[] = [
  way('same', 'on', 'waits', 'asked'),
  way('same', 'on', null, 'agreed', 'given'),
  way('ended', 'refresh', 'SESSION_CANCELLED', 'asked', 'agreed', 'given'),
  way('expired', 'on', 'waits', 'asked', 'agreed', 'given'),
  way('older', 'refresh', 'KEY_HEAD_UNKNOWN', 'asked', 'agreed', 'given'),
  way('gone', 'wait', 'SERVER_UNREACHABLE', 'asked', 'agreed', 'given'),
  way('refused', 'anew', 'SESSION_REJECTED', 'asked'),
];

/** The table as the documentation prints it. */
export function formatExportWays(): string {
  const rows = EXPORT_WAYS.map(({ at, fate, ends, says }) => {
    const [resuming, out] = EXPORT_ENDS[ends];
    const said = says === null || says === 'waits' ? (says ?? '') : `\`${says}\``;
    return [at.join(', '), fate, resuming, said, out];
  });
  return asTable(['client', 'server', 'the same command', 'that server', 'way out'], rows);
}
