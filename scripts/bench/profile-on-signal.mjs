// Preloaded into a server (`--import …?file=…`): SIGWINCH begins a CPU profile, the next one ends and writes it.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const SAMPLE_MICROSECONDS = 400;
const file = new URL(import.meta.url).searchParams.get('file');
const session = new Session();
session.connect();
let running = false;

process.on('SIGWINCH', () => void turn());

async function turn() {
  running = !running;
  if (running) {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
    await session.post('Profiler.start');
    return;
  }
  const { profile } = await session.post('Profiler.stop');
  writeFileSync(file, JSON.stringify(profile));
}
