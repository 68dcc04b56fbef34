// What people compare, of some digests, and the colours that pictures are painted in.
import { createHash } from 'node:crypto';
import { likenessOf } from '@ckm/gordian';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { bytesOf } from './servers.mjs';

const DIGESTS = ['a server', 'a key', 'another key'].map(bytesOf);

/** H of the page: what words and picture are made of. */
function streamOf(digest) {
  return createHash('sha256').update('ckm/likeness/v1').update(digest).digest();
}

function vectorOf(digest) {
  const { words, digest: digits, picture } = likenessOf(digest);
  const rows = picture.rows.map((row) => row.join(''));
  const numbers = words.map((word) => wordlist.indexOf(word));
  return { digest, words, numbers, digits, rows, colours: picture.colours };
}

/** Every pair and every background, as the likenesses of enough digests show them. */
function colourTables() {
  const [pairs, backgrounds] = [[], []];
  for (let i = 0; [...pairs, ...backgrounds].filter(Boolean).length < 20; i++) {
    const digest = bytesOf(`colours ${i}`);
    const byte = streamOf(digest)[22];
    const { soft, strong, background } = likenessOf(digest).picture.colours;
    pairs[byte & 15] = { soft, strong };
    backgrounds[(byte >> 4) & 3] = background;
  }
  return { pairs, backgrounds };
}

export function likenessVectors() {
  return { ...colourTables(), likenesses: DIGESTS.map(vectorOf) };
}
