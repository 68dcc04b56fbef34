/**
 * The whole of an owner's life in one file: add three servers, make a 2-of-3 key with them, prepare a request, show it,
 * sign it, and verify the signature with nothing but the public key. Runs as a test: ../src/example.test.ts.
 */
import {
  type Carrier,
  type Client,
  createClient,
  memoryStore,
  message,
  secret,
  verifyMessage,
} from '@ckm/client';

export interface ExampleArgs {
  /** 32 bytes that are the owner. Keep them: `seedToWords` gives the 24 words to write down. */
  readonly seed: Uint8Array;
  /** Where three servers answer, and what their owner calls them. */
  readonly servers: readonly { readonly name: string; readonly url: string }[];
  /** Leave it out: HTTP is the default. */
  readonly carrier?: Carrier;
  /** Shows a line to a person. */
  readonly show: (line: string) => void;
}

export async function makeAKeyAndSign(args: ExampleArgs): Promise<boolean> {
  const { seed, servers, carrier, show } = args;
  const client = createClient({
    seed: secret(seed),
    // A browser has `indexedDbStore`, Node the `fileStore` of `@ckm/client/node`: this one forgets everything.
    store: memoryStore(),
    ...(carrier === undefined ? {} : { carrier }),
    onUnreadable: ({ path, error }) => {
      show(`${path} is left out: ${error.message} (${error.code})`);
    },
  });
  try {
    return await run(client, servers, show);
  } finally {
    // Wipes the seed and everything derived from it.
    await client.close();
  }
}

async function run(
  client: Client,
  servers: ExampleArgs['servers'],
  show: ExampleArgs['show'],
): Promise<boolean> {
  for (const { name, url } of servers) {
    // Compare these words with what the operator tells you, on another way than this network.
    const { likeness } = await client.previewServer(url);
    show(`${name} looks like ${likeness.words.join(' ')}`);
    await client.addServer({ name, url });
  }

  const key = await client.createKey(
    {
      name: 'letters',
      purpose: 'message',
      quorum: { needed: 2, of: 3 },
      servers: servers.map(({ name }) => name),
    },
    ({ text, waiting }) => {
      show(waiting.length === 0 ? text : `${text}, waiting for ${waiting.join(', ')}`);
    },
  );

  const domain = 'example';
  const asked = await client.prepare({ key: 'letters', ...message('hello', { domain }) });
  show(asked.description.sentence);
  show(`asks any ${asked.needed} of ${asked.asks.join(', ')}`);
  // Here a person says yes. What was shown is what is signed.
  const { artefact: signature, signers } = await asked.sign();
  show(`signed by ${signers.join(', ')}`);

  // Whoever has the public key can do this, without any server.
  return verifyMessage(key.public, 'hello', signature, { domain });
}
