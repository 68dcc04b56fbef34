import { type Client, createClient, memoryStore, type SignResult } from '@ckm/client';
import { encodeUtf8, secret } from '@ckm/foundation';
import { buildMessageRequest } from '@ckm/requests';

/** Owners whose servers are alpha, behind a proxy, and bravo. Every one has a client, and so a route, of his own. */
export interface ProxiedOwners {
  readonly clients: readonly Client[];
  /** A new owner, who has made a key that both servers must use. */
  add(urls: { readonly alpha: string; readonly bravo: string }): Promise<Client>;
  /** Signs a message that nobody has signed before. */
  sign(client: Client): Promise<SignResult>;
  close(): Promise<void>;
}

export function createProxiedOwners(): ProxiedOwners {
  const clients: Client[] = [];
  let messages = 0;
  return {
    clients,
    add: async ({ alpha, bravo }) => {
      const seed = secret(new Uint8Array(32).fill(clients.length + 1));
      const client = createClient({ seed, store: memoryStore() });
      clients.push(client);
      await client.addServer({ name: 'alpha', url: alpha });
      await client.addServer({ name: 'bravo', url: bravo });
      await client.createKey({
        name: 'notes',
        purpose: 'message',
        quorum: { needed: 2, of: 2 },
        servers: ['alpha', 'bravo'],
      });
      return client;
    },
    sign: (client) =>
      client.sign({
        key: 'notes',
        kind: 'message',
        payload: buildMessageRequest({ domain: 'replicas', bytes: encodeUtf8(`message ${++messages}`) }),
      }),
    close: async () => {
      for (const client of clients) await client.close();
    },
  };
}
