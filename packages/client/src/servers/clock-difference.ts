import { AvailabilityError, type Remedy } from '@ckm/foundation';
import { listed } from './faults.js';

/** Clocks further apart than this make messages expire before they arrive. */
export const CLOCK_LIMIT_SECONDS = 30;

/** How far our clock is ahead of that of a server, in seconds; negative: it is behind. */
export interface ClockOffset {
  /** The owner's name of the server. */
  readonly server: string;
  readonly seconds: number;
}

/** Clocks that are too far apart, for people. */
export interface ClockDifference {
  /** `theirs` when at least as many servers agree with our clock as do not. */
  readonly whose: 'ours' | 'theirs' | 'unknown';
  /** Servers whose clocks are far from ours. */
  readonly servers: readonly string[];
  /** As in “your clock is 4 min ahead of alpha and bravo”. */
  readonly text: string;
  /** One imperative sentence: what to do about it. */
  readonly hint: string;
}

export function isClockFar(seconds: number): boolean {
  return Math.abs(seconds) > CLOCK_LIMIT_SECONDS;
}

/** What the clocks of servers say about ours; null when all of them agree with it, or none is known. */
export function judgeClocks(offsets: readonly ClockOffset[]): ClockDifference | null {
  const far = offsets.filter(({ seconds }) => isClockFar(seconds));
  if (far.length === 0) return null;
  const servers = far.map(({ server }) => server);
  if (far.length <= offsets.length - far.length) {
    const text = alike(far).map(theirs).join('; ');
    const whom = `the ${servers.length === 1 ? 'operator' : 'operators'} of ${listed(servers)}`;
    return { whose: 'theirs', servers, text, hint: `ask ${whom} to set the clock (NTP)` };
  }
  const text = `your clock is ${alike(far).map(ours).join(', ')}`;
  // One against one says nothing about who is right.
  return offsets.length === 1
    ? { whose: 'unknown', servers, text, hint: 'look which of the two clocks is wrong, and set it (NTP)' }
    : { whose: 'ours', servers, text, hint: 'set the clock of this machine (NTP)' };
}

/** Servers that differ from us by about the same. */
interface Alike {
  readonly names: readonly string[];
  readonly seconds: number;
}

function alike(far: readonly ClockOffset[]): readonly Alike[] {
  const groups: ClockOffset[][] = [];
  for (const one of far) {
    const near = groups.find(([first]) => isNear(first!.seconds, one.seconds));
    if (near === undefined) groups.push([one]);
    else near.push(one);
  }
  return groups.map((group) => ({
    names: group.map(({ server }) => server),
    seconds: group[0]!.seconds,
  }));
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(5, Math.abs(a) / 20);
}

function ours({ names, seconds }: Alike): string {
  return `${formatOffset(seconds)} ${listed(names)}`;
}

function theirs({ names, seconds }: Alike): string {
  const clocks = names.length === 1 ? 'the clock of' : 'the clocks of';
  return `${clocks} ${listed(names)} ${names.length === 1 ? 'is' : 'are'} ${formatOffset(-seconds)} yours`;
}

/** `4 min ahead of`, `90 s behind`. @param seconds of one clock against another */
export function formatOffset(seconds: number): string {
  return `${formatDistance(Math.abs(seconds))} ${seconds > 0 ? 'ahead of' : 'behind'}`;
}

const UNITS = [
  [172_800, 86_400, 'd'],
  [7_200, 3_600, 'h'],
  [120, 60, 'min'],
] as const;

/** Rounded, in the largest unit of which there are two: `90 s`, `4 min`, `25 h`, `3 d`. */
function formatDistance(seconds: number): string {
  const [, size, name] = UNITS.find(([least]) => seconds >= least) ?? [0, 1, 's'];
  return `${Math.round(seconds / size)} ${name}`;
}

/**
 * A server takes no message because of the time it was made at. It says so unsealed, so that it is a hint and nothing is given up
 * for it.
 */
export function clockDiffers({ server, seconds }: ClockOffset): AvailabilityError {
  const difference = judgeClocks([{ server, seconds }]);
  return new AvailabilityError(difference?.text ?? `server ${server} has another time`, {
    code: 'CLOCK_DIFFERS',
    hint: `${difference?.hint ?? 'look at both clocks'}, then try again`,
    facts: { server, aheadSeconds: seconds },
  });
}

/**
 * The same of all servers whose clocks are known.
 * @param goOn how to go on once it is set, with what is on record already
 */
export function clocksDiffer({ text, hint, servers }: ClockDifference, goOn?: Remedy): AvailabilityError {
  return new AvailabilityError(text, {
    code: 'CLOCK_DIFFERS',
    hint: goOn === undefined ? `${hint}, then try again` : `${hint}, then go on`,
    facts: { servers },
    ...(goOn === undefined ? {} : { remedy: goOn }),
  });
}
