// Makes an owner, adds three servers, makes a key of which any two of them can sign, signs a message with it and verifies it.
// Run it again: owner, servers and key are still there, in FOLDER.
//
//   node hello.mjs FOLDER https://alpha.example=WORDS https://bravo.example=WORDS https://charlie.example=WORDS < passphrase.txt
//
// WORDS are the six words, with dashes between, that the operator of that server told you on another way than this network.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  createClient,
  createSeedFile,
  encodeHex,
  fileStore,
  message,
  openSeedFile,
  secret,
  verifyMessage,
} from '@ckm/client/node';

const [folder, ...servers] = process.argv.slice(2);
const names = ['alpha', 'bravo', 'charlie'];

// The seed is the owner: sealed on disk under a passphrase, wiped from memory when the client is closed.
const passphrase = secret((await text(process.stdin)).trimEnd());
const seedFile = join(folder, 'seed');
const seed = await (existsSync(seedFile) ? openSeedFile : createSeedFile)(seedFile, passphrase);
const client = createClient({ seed, store: fileStore(join(folder, 'store')) });

try {
  if ((await client.listServers()).length < names.length) {
    for (const [i, server] of servers.entries()) {
      // Any other server than the one with these words is refused; so is one without words.
      const [url, expectedLikeness = ''] = server.split('=');
      await client.addServer({ name: names[i], url, expectedLikeness });
    }
  }

  if ((await client.listKeys()).length === 0) {
    await client.createKey(
      { name: 'notes', purpose: 'message', quorum: { needed: 2, of: 3 }, servers: names },
      ({ text, waiting }) =>
        console.log(text, waiting.length === 0 ? '' : `waiting for ${waiting.join(', ')}`),
    );
  }
  const key = await client.usableKey('notes');
  console.log(`public key ${encodeHex(key.public.groupKey)}`);

  // Nothing is sent before `sign`: what was shown is what is signed.
  const asked = await client.prepare({ key: 'notes', ...message('hello') });
  console.log(asked.description.sentence);
  const { artefact: signature, signers } = await asked.sign();
  console.log(`signed by ${signers.join(', ')}: ${encodeHex(signature)}`);

  // Whoever has the public key can do this, without any server.
  console.log(verifyMessage(key.public, 'hello', signature) ? 'it verifies' : 'it does not verify');
} finally {
  await client.close();
}
