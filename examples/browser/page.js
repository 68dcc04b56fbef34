// The same in a page: records are kept in IndexedDB, the seed comes from 24 words that its owner types. Put it together with any
// bundler, as in: npx vite build
import {
  createClient,
  encodeHex,
  indexedDbStore,
  message,
  secret,
  verifyMessage,
  wordsToSeed,
} from '@ckm/client';

const form = document.querySelector('form');
const log = document.querySelector('pre');
const say = (line) => log.append(`${line}\n`);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void submit();
});

async function submit() {
  const { words, servers, text } = Object.fromEntries(new FormData(form));
  const store = await indexedDbStore('owner');
  const client = createClient({ seed: wordsToSeed(secret(words)), store });
  try {
    await sign(client, servers.trim().split(/\s*\n\s*/), text);
  } catch (error) {
    say(`${error.message} (${error.code})`);
  } finally {
    await client.close();
  }
}

async function sign(client, lines, text) {
  const names = ['alpha', 'bravo', 'charlie'];
  for (const [i, line] of lines.entries()) {
    const [url, code] = line.split(/\s+/);
    const { likeness } = await client.previewServer(url);
    const expectedLikeness = likeness.words.join('-');
    say(`${names[i]} looks like ${expectedLikeness}`);
    if (!confirm(`Did the operator of ${url} tell you: ${expectedLikeness}?`)) return;
    // Most servers take nobody without a code from their operator.
    const invite = code === undefined ? {} : { invite: secret(code) };
    await client.addServer({ name: names[i], url, expectedLikeness, ...invite });
  }
  if ((await client.listKeys()).length === 0) {
    const quorum = { needed: 2, of: 3 };
    await client.createKey({ name: 'notes', purpose: 'message', quorum, servers: names });
  }
  const key = await client.usableKey('notes');
  const asked = await client.prepare({ key: 'notes', ...message(text) });
  say(asked.description.sentence);
  const { artefact: signature, signers } = await asked.sign();
  say(`signed by ${signers.join(', ')}: ${encodeHex(signature)}`);
  say(verifyMessage(key.public, text, signature) ? 'it verifies' : 'it does not verify');
}
