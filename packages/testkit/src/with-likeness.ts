import { createClient, memoryStore, secret } from '@ckm/client';

/** Addresses as the example for Node takes them: behind each the six words that its operator tells. @param authority PEM */
export async function withLikeness(urls: readonly string[], authority?: string): Promise<readonly string[]> {
  const client = createClient({ seed: secret(new Uint8Array(32)), store: memoryStore() });
  const told = async (url: string) => {
    const isCertified = authority !== undefined && url.startsWith('https:');
    const { likeness } = await client.previewServer(url, isCertified ? { authority } : {});
    return `${url}=${likeness.words.join('-')}`;
  };
  try {
    return await Promise.all(urls.map(told));
  } finally {
    await client.close();
  }
}
