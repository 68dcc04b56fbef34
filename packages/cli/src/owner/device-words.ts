import type { ChangedAt, Devices, DevicePrivilege, DeviceView, UnsentText } from '@ckm/client';
import { AvailabilityError, type CkmError } from '@ckm/foundation';
import { formatInstant, unixNow } from '../terminal/instant.js';

/** As it is typed behind `--may`; each holds those before it. */
export const MAY_CHOICES = ['look', 'use', 'make', 'manage'] as const;
export type MayChoice = (typeof MAY_CHOICES)[number];

export const MAY_OF: Readonly<Record<MayChoice, readonly DevicePrivilege[]>> = {
  look: [],
  use: ['use'],
  make: ['use', 'make'],
  manage: ['use', 'make', 'manage'],
};

const MAY_TEXT: Readonly<Record<DevicePrivilege, string>> = {
  use: 'use keys',
  make: 'make keys',
  manage: 'manage devices and servers',
};

/** What a device may, in words. */
export function mayText(may: readonly DevicePrivilege[]): string {
  return may.length === 0 ? 'look, and stop what goes on' : may.map((one) => MAY_TEXT[one]).join(', ');
}

/** What servers know of devices, row by row. */
export function deviceRow({ name, id, may, isThis, at, missingAt }: DeviceView): string[] {
  const called = `${name ?? `unknown ${id}`}${isThis ? ' (this one)' : ''}`;
  const since = at.flatMap((one) => (one.since === null ? [] : [one.since]));
  const first = since.length === 0 ? '' : `since ${formatInstant(Math.min(...since), unixNow())}`;
  const young = at.flatMap((one) => (one.youngUntil === null ? [] : [one.youngUntil]));
  const until = young.length === 0 ? '' : `young until ${formatInstant(Math.max(...young), unixNow())}`;
  const where = missingAt.length === 0 ? '' : `NOT at ${missingAt.join(', ')}`;
  return [called, mayText(may), first, until, where];
}

/** What a server has not heard yet. */
export function unsentRow({ server, text, since }: UnsentText): string[] {
  return [
    server,
    `has not heard that ${text}`,
    `since ${formatInstant(since, unixNow())}`,
    'told when it next answers',
  ];
}

/** What is left to say under a list of devices. */
export function deviceNotes({
  devices,
  areWordsHere,
  silent,
  unsent,
  contradicted,
}: Devices): readonly string[] {
  return [
    ...(areWordsHere
      ? ['the words lie here, and may do everything: ckm seed forget keeps a device in their place']
      : []),
    ...(devices.length === 1 && !areWordsHere
      ? ['this is your only device: without it the words alone bring your keys back']
      : []),
    ...twiceCalled(devices).map(
      ({ name, ids }) =>
        `${ids.length} devices are called ${name}: ${ids.join(', ')}; remove the one that is not yours by these digits`,
    ),
    ...silent.map(({ server, text }) => `${server} did not say which devices it knows: ${text}`),
    ...unsent.map((one) => unsentRow(one).join(', ')),
    ...contradicted.map(
      (server) =>
        `${server} was shown two lists under one number: a key of yours is in wrong hands; remove that device with the words`,
    ),
  ];
}

function twiceCalled(devices: readonly DeviceView[]) {
  const names = [...new Set(devices.flatMap(({ name }) => (name === null ? [] : [name])))];
  return names
    .map((name) => ({ name, ids: devices.filter((one) => one.name === name).map(({ id }) => id) }))
    .filter(({ ids }) => ids.length > 1);
}

/** A device that stays when another one is removed, and that nobody has named here. */
export function unknownText(id: string): string {
  return `unknown ${id} stays: if it is not yours, ckm device remove ${id} --words takes it out`;
}

/** A key that stays without an owner when its device goes. @param isGone whether it is out already */
export function ownsText(device: string, key: string, isGone: boolean): string {
  const has = isGone ? `${device} was the owner of key ${key}` : `${device} is the owner of key ${key}`;
  return `${has} by its terms: out of your account it asks nobody and stops nothing for it any more, and nobody takes its place by that: ckm terms propose ${key} --own, from a device that stays`;
}

/** Where a change has arrived, and where not. */
export function changedText(servers: readonly ChangedAt[]): string {
  const told = servers.filter(({ outcome }) => outcome === 'done').map(({ server }) => server);
  return told.length === 0 ? 'NOT yet told to any server' : `known at ${told.join(', ')}`;
}

export function changedObject(servers: readonly ChangedAt[]) {
  return servers.map(({ server, outcome, error }) => ({
    server,
    outcome,
    code: error?.code ?? null,
    text: error?.message ?? null,
  }));
}

/** What is left to do: null where every server has it. */
export function notEverywhere(servers: readonly ChangedAt[]): CkmError | null {
  const refusing = servers.find(({ outcome }) => outcome === 'refused');
  if (refusing !== undefined) return refusing.error;
  const unsent = servers.filter(({ outcome }) => outcome === 'unsent').map(({ server }) => server);
  if (unsent.length === 0) return null;
  return new AvailabilityError(`${unsent.join(', ')} has NOT heard of it`, {
    code: 'SERVERS_MISSING',
    hint: 'it is told with the next command that it answers; until then ckm status names it',
    facts: { servers: unsent },
  });
}
