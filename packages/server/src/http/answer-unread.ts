import type { IncomingMessage, ServerResponse } from 'node:http';

/** So long a sender has to read why, before the connection is cut; that he has to wait for it is meant. */
const LINGER_MS = 2_000;
/** Connections that wait so long at the same time; the others are cut sooner. */
const MOST_LINGERING = 256;
const SHORT_LINGER_MS = 100;

/**
 * Answers a request whose body is not to be read, not even to be thrown away: 2 MB cost more to receive than to refuse. A
 * connection that is cut while a body is on its way may lose the answer, so that it is kept for a moment, and nothing is read
 * from it any more.
 */
export function createUnreadAnswers() {
  let lingering = 0;
  return (incoming: IncomingMessage, outgoing: ServerResponse, answer: UnreadAnswer): void => {
    const { status, headers, body } = answer;
    outgoing.writeHead(status, {
      ...headers,
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    });
    // All of the answer but its end: at that Node would go on to receive the body.
    outgoing.write(body);
    const { socket } = incoming;
    lingering++;
    const timer = setTimeout(
      () => socket.destroy(),
      lingering > MOST_LINGERING ? SHORT_LINGER_MS : LINGER_MS,
    );
    socket.once('close', () => {
      lingering--;
      clearTimeout(timer);
    });
  };
}

export interface UnreadAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
