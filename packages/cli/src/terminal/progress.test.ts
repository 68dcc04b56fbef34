import type { PeopleWait, ProgressEvent } from '@ckm/client';
import { expect, test, vi } from 'vitest';
import { createProgress } from './progress.js';
import { createTerminal } from './terminal.js';

const options = { json: false, color: false, trueColor: false, input: false, direct: false };
const terminal = createTerminal({ ...options, quiet: true });

const CEREMONY: readonly ProgressEvent['stage'][] = ['propose', 'join', 'exchange', 'conclude'];

/** Shares are in from `have`, and still wanted from `waiting`. */
function event(stage: ProgressEvent['stage'], have: string[], waiting: string[]): ProgressEvent {
  const job = CEREMONY.includes(stage) ? 'repair' : 'request';
  return { job, id: '00bdea2a', stage, round: 1, of: 2, have, waiting, text: 'asking for shares' };
}

/** What a terminal of 100 columns is sent for some events, state by state. */
async function drawn(events: readonly ProgressEvent[]): Promise<readonly string[]> {
  vi.stubEnv('TERM', 'xterm');
  const written: string[] = [];
  const stderr = { isTTY: true, columns: 100, write: (text: string) => written.push(text) > 0 };
  const original = Object.getOwnPropertyDescriptor(process, 'stderr')!;
  Object.defineProperty(process, 'stderr', { ...original, get: () => stderr });
  try {
    const progress = createProgress(createTerminal({ ...options, quiet: false }));
    for (const one of events) progress.on(one);
    await progress.during(Promise.resolve('done'), () => undefined);
  } finally {
    Object.defineProperty(process, 'stderr', original);
    vi.unstubAllEnvs();
  }
  return written.join('').split('\r\u001b[2K').slice(1);
}

test('the last state of a signature stays on the screen: every share is in, and the line ends', async () => {
  const states = await drawn([
    event('sign', ['alpha'], ['charlie']),
    event('sign', ['alpha', 'charlie'], []),
    event('done', ['alpha', 'charlie'], []),
  ]);
  expect(states).toEqual([
    '  request 00bdea2a · asking for shares · alpha ✓ · waiting: charlie',
    '  request 00bdea2a · asking for shares · alpha ✓ charlie ✓\n',
  ]);
});

test('the last state of a ceremony stays on the screen: the last of its steps, with everybody done', async () => {
  const last = { ...event('conclude', ['alpha', 'bravo'], []), round: 2, text: 'taking the share back' };
  expect(await drawn([event('propose', ['alpha'], ['bravo']), last])).toEqual([
    '  repair 00bdea2a · 1 of 2 · asking for shares · alpha ✓ · waiting: bravo',
    '  repair 00bdea2a · 2 of 2 · taking the share back · alpha ✓ bravo ✓\n',
  ]);
});

/** For the command that listens, and nobody else in this process. */
const pressCtrlC = () => process.listeners('SIGINT').at(-1)!('SIGINT');

/** A signature under way, whose end the test decides. */
function signing() {
  const progress = createProgress(terminal);
  let resolve: (signature: string) => void = () => undefined;
  const promise = new Promise<string>((settle) => (resolve = settle));
  const handOver = vi.fn();
  const ended = progress.during(promise, handOver).catch((error: unknown) => error);
  return { progress, resolve: (signature: string) => resolve(signature), handOver, ended };
}

test.each([
  ['when every share is in', event('sign', ['alpha', 'charlie'], [])],
  ['when it is signed', event('done', ['alpha', 'charlie'], [])],
])('Ctrl-C %s does not leave a signature: it is handed over', async (_when, last) => {
  const { progress, resolve, handOver, ended } = signing();
  progress.on(last);
  pressCtrlC();
  expect(progress.left.aborted).toBe(false);
  resolve('signature');
  expect(await ended).toBe(undefined);
  expect(handOver).toHaveBeenCalledExactlyOnceWith('signature');
});

test('Ctrl-C while a signature is handed over, or behind it, does not end the process before all is said', async () => {
  const { progress, resolve, handOver, ended } = signing();
  handOver.mockImplementation(async () => {
    pressCtrlC();
    await Promise.resolve();
  });
  progress.on(event('done', ['alpha', 'charlie'], []));
  const [listener] = process.listeners('SIGINT').slice(-1);
  resolve('signature');
  expect(await ended).toBe(undefined);
  expect(process.listeners('SIGINT')).toContain(listener);
});

test('Ctrl-C pressed twice loses no signature that is not handed over yet, and ends the process from then on', async () => {
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const { progress, resolve, handOver, ended } = signing();
  progress.on(event('done', ['alpha', 'charlie'], []));
  for (let i = 0; i < 3; i++) pressCtrlC();
  resolve('signature');
  expect(await ended).toBe(undefined);
  expect(handOver).toHaveBeenCalledExactlyOnceWith('signature');
  expect(exit).not.toHaveBeenCalled();
  pressCtrlC();
  expect(exit).toHaveBeenCalledExactlyOnceWith(130);
  exit.mockRestore();
});

test('Ctrl-C while people whom the terms name are waited for says who they are; else whose operators are', async () => {
  const said: PeopleWait = {
    awaits: [{ rule: 0, needed: 1, of: ['alice', 'bob'] }],
    yes: ['carol'],
    no: [],
    waitsFor: 'people',
    servers: ['alpha', 'bravo'],
  };
  const left = async (more: Partial<ProgressEvent>) => {
    const { progress, ended } = signing();
    progress.on({ ...event('wait', [], ['alpha', 'bravo']), ...more });
    pressCtrlC();
    return ended;
  };
  const whom = 'the request waits for 1 more yes of alice, bob';
  expect(await left({ people: [said] })).toMatchObject({ code: 'REQUEST_WAITING', message: whom });
  expect(await left({})).toMatchObject({ message: 'the request waits for the operators of alpha, bravo' });
});

test('Ctrl-C when every share is in, of which one proves to be false, leaves with the next attempt', async () => {
  const { progress, handOver, ended } = signing();
  progress.on(event('sign', ['alpha', 'charlie'], []));
  pressCtrlC();
  progress.on(event('sign', ['alpha'], ['bravo']));
  expect(await ended).toMatchObject({
    code: 'REQUEST_LEFT',
    message: 'you left before it was signed; 1 of 2 had signed',
  });
  expect(progress.left.aborted).toBe(true);
  expect(handOver).not.toHaveBeenCalled();
});

test('Ctrl-C of a change is told as one, whichever step it is at; of what has no id to go on with, by the command that goes on', async () => {
  const leave = async (goOn?: string) => {
    const progress = createProgress(terminal, goOn);
    const ended = progress.during(new Promise(() => undefined), vi.fn()).catch((error: unknown) => error);
    progress.on(event('exchange', ['alpha'], ['bravo']));
    pressCtrlC();
    return ended;
  };
  expect(await leave()).toMatchObject({
    code: 'SESSION_LEFT',
    message: 'you left session 00bdea2a before it was over',
  });
  expect(await leave('go on with it: ckm key settle notes')).toMatchObject({
    code: 'SESSION_LEFT',
    message: 'you left before it was over',
    hint: 'go on with it: ckm key settle notes',
  });
});
