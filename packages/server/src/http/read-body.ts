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

/**
 * The bytes of a request that are a secret: what the connection brought is overwritten as soon as it is copied, so that the
 * result is the only copy in this process that lasts.
 */
export async function readSecretBody(request: Request, limit: number): Promise<Uint8Array | null> {
  return readStream(request.body, limit, (part) => part.fill(0));
}

async function readStream(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
  whenCopied: (part: Uint8Array) => void = () => undefined,
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
    whenCopied(part);
  }
  return bytes;
}
