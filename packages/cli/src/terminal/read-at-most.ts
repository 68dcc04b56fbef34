import { open } from 'node:fs/promises';

/** Read at a time. */
const CHUNK_BYTES = 65_536;

/**
 * The first bytes of a file, and no more, whatever its size is said to be: devices and pipes say 0 and never end. What
 * was read is in no other buffer. A pipe that nobody writes to is waited for, as by any other program.
 */
export async function readAtMost(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    return await gather(maxBytes, async (buffer) => (await file.read(buffer, 0, buffer.length)).bytesRead);
  } finally {
    await file.close();
  }
}

/** The first bytes of stdin, and no more. */
export async function readStdinAtMost(maxBytes: number): Promise<Uint8Array> {
  const chunks = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  const bytes = await gather(maxBytes, async (buffer) => {
    if (rest.length === 0) rest = (await chunks.next()).value ?? rest;
    const length = rest.copy(buffer);
    rest.fill(0, 0, length);
    rest = rest.subarray(length);
    return length;
  });
  rest.fill(0);
  await chunks.return?.();
  return bytes;
}

/** @param read fills a buffer and says how far; 0 at the end */
async function gather(maxBytes: number, read: (buffer: Buffer) => Promise<number>): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  while (length < maxBytes) {
    const part = Buffer.alloc(Math.min(CHUNK_BYTES, maxBytes - length));
    const count = await read(part);
    if (count === 0) break;
    parts.push(part.subarray(0, count));
    length += count;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    part.fill(0);
  }
  return whole;
}
