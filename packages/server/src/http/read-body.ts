/**
 * The bytes of a request, or null when there are more than `limit`: seen from the stated length before a byte is read,
 * else as soon as one byte too many has come.
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array | null> {
  const stated = request.headers.get('content-length');
  if (stated !== null) {
    // Node itself ends a body at its stated length.
    if (!/^\d{1,12}$/.test(stated) || Number(stated) > limit) return null;
    const bytes = new Uint8Array(await request.arrayBuffer());
    return bytes.length <= limit ? bytes : null;
  }
  return readStream(request.body, limit);
}

async function readStream(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array | null> {
  if (body === null) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel().catch(() => undefined);
      return null;
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
