import { randomBytes } from 'node:crypto';
import {
  encodeCall,
  fromProblem,
  identityCard,
  parseReply,
  type FunctionName,
  type Parameters,
  type Result,
} from '@ckm/api';
import {
  createMessageId,
  inceptionKeyOf,
  openMessage,
  parseEnvelopeUr,
  sealMessage,
  verifyXidDocument,
  type Identity,
} from '@ckm/gordian';
import type { Callee } from './callee.js';

/** Every message that goes out and every reply that comes in, as bytes on the wire. */
export type OnMessage = (bytes: Uint8Array) => void;

const LIFETIME_SECONDS = 60;
const random = (length: number) => new Uint8Array(randomBytes(length));

/**
 * A server over HTTP, as somebody with an account there, which is opened first. Each call is one sealed message.
 * @param url asked anew for every call: a server that was restarted listens elsewhere
 */
export async function callOverHttp(
  name: string,
  url: () => string,
  identity: Identity,
  onMessage: OnMessage = () => undefined,
): Promise<Callee> {
  const card = identityCard.parse(await (await fetch(`${url()}/v1/identity`)).json());
  const document = verifyXidDocument(parseEnvelopeUr(card.document));
  if (document === null) throw new Error(`${name} shows a document that it has not signed`);
  const { publicKeys } = inceptionKeyOf(document)!;
  const recipient = { xid: document.xid, publicKeys };

  async function send<F extends FunctionName>(
    called: F,
    parameters: Parameters<F>,
    introduce: boolean,
  ): Promise<Result<F>> {
    const date = Math.floor(Date.now() / 1000);
    const bytes = sealMessage({
      sender: identity,
      recipient,
      id: createMessageId(random),
      date,
      expiresAt: date + LIFETIME_SECONDS,
      function: called,
      body: encodeCall(called, parameters),
      introduce,
      random,
    });
    onMessage(bytes);
    const response = await fetch(`${url()}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes as Uint8Array<ArrayBuffer>,
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    onMessage(answer);
    if (response.status !== 200) throw fromProblem(JSON.parse(new TextDecoder().decode(answer)));
    const now = Math.floor(Date.now() / 1000);
    const opened = openMessage({
      recipient: identity,
      bytes: answer,
      now,
      accept: 'reply',
      resolveSender: () => publicKeys,
    });
    return parseReply(called, opened.body);
  }

  await send('account.open', { invite: null }, true);
  return { name, call: (called, parameters) => send(called, parameters, false) };
}
