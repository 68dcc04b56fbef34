import { pino, type DestinationStream, type Logger, type LoggerOptions } from 'pino';

/** Fields that may never be written, wherever they turn up; a second fence behind `Events`. */
const NEVER = [
  'key',
  'seed',
  'share',
  'secret',
  'passphrase',
  'body',
  'payload',
  'sealed',
  'nonce',
  'token',
  'url',
];
const REDACTED = NEVER.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/** Where log lines go and which. `destination` is for tests; otherwise standard output. */
export interface ReportingOptions {
  readonly level: string;
  readonly destination?: DestinationStream;
}

/** What every line of the log goes through, whoever writes it. */
export const LOG_FENCE: LoggerOptions = { base: null, redact: { paths: REDACTED, censor: '<secret>' } };

/** The log. Only `Events` write to it. */
export function createLog({ level, destination }: ReportingOptions, fence = LOG_FENCE): Logger {
  const options = { ...fence, level };
  return pino(options, destination ?? standardOutput());
}

/** Nobody reads it any more, or its disk is full: a server does not end by that. */
function standardOutput(): DestinationStream {
  return pino.destination({ fd: 1, sync: true }).on('error', () => undefined);
}
