import { encodeHex, encodeUtf8, reveal } from '@ckm/foundation';
import { bitcoinAddress } from '@ckm/requests';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { parsePrivatePath } from './bip32.js';
import { publicHalfOf } from './key-material.js';
import { type MaterialOptions, readMaterial } from './read-material.js';

const WORDS = `${'abandon '.repeat(11)}about`;
/** Source: BIP-86, "Test vectors" */
const BIP86 = {
  root: 'xprv9s21ZrQH143K3GJpoapnV8SFfukcVBSfeCficPSGfubmSFDxo1kuHnLisriDvSnRRuL2Qrg5ggqHKNVpxR86QEC8w35uxmGoggxtQTPvfUu',
  account:
    'xprv9xgqHN7yz9MwCkxsBPN5qetuNdQSUttZNKw1dcYTV4mkaAFiBVGQziHs3NRSWMkCzvgjEe3n9xV8oYywvM8at9yRqyaZVz6TYYhX98VjsUk',
  chainAndKey:
    'xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ',
  receive: [
    'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
    'bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh',
  ],
  change: 'bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7',
};

const wallet: MaterialOptions = {
  purpose: 'bitcoin',
  suite: 'secp256k1-tr',
  network: 'bitcoin',
  path: null,
  passphrase: null,
};
const ssh: MaterialOptions = { ...wallet, purpose: 'ssh', suite: 'ed25519' };
const read = (text: string, options: MaterialOptions = wallet) => readMaterial(encodeUtf8(text), options);
const refused = (text: string, options: MaterialOptions = wallet) => {
  try {
    read(text, options);
    return 'nothing thrown';
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
};

describe('a wallet', () => {
  test.each([
    ['words', WORDS],
    ['words with line breaks and capitals', `${WORDS.toUpperCase().replaceAll(' ', '\n')}\n`],
    ['a master key', BIP86.root],
    ['the key of the account', `${BIP86.account}\n`],
  ])('given as %s has the addresses of BIP-86', (_, text) => {
    const material = read(text);
    const shown = publicHalfOf(material);
    const addresses = [0, 1].map((index) => bitcoinAddress(shown, 'receive', index).address);
    expect(addresses).toEqual(BIP86.receive);
    expect(bitcoinAddress(shown, 'change', 0).address).toBe(BIP86.change);
    expect(material.chainCode).toHaveLength(32);
  });

  test('with a passphrase, another account or another network is another one', () => {
    const options: Partial<MaterialOptions>[] = [
      {},
      { passphrase: 'TREZOR' },
      { path: "m/86'/0'/1'" },
      { path: 'm/86h/0h/2h' },
      { network: 'regtest' },
    ];
    const keys = options.map((one) => encodeHex(read(WORDS, { ...wallet, ...one }).groupKey));
    expect(new Set(keys).size).toBe(options.length);
  });

  test('is followed from an extended key that is in between only where its owner says how', () => {
    expect(encodeHex(read(BIP86.account, { ...wallet, path: 'm' }).groupKey)).toBe(
      encodeHex(read(BIP86.account).groupKey),
    );
    const below = read(BIP86.account, { ...wallet, path: 'm/0' });
    expect(encodeHex(below.groupKey)).not.toBe(encodeHex(read(BIP86.account).groupKey));
    expect(parsePrivatePath("m/86'/0h/5")).toEqual([0x80000056, 0x80000000, 5]);
  });

  test.each([
    ['words of which one is another', WORDS.replace('about', 'zoo'), 'KEY_MATERIAL_INVALID'],
    ['eleven words', 'abandon '.repeat(11).trim(), 'KEY_MATERIAL_INVALID'],
    ['words in another order', `about ${'abandon '.repeat(11)}`, 'KEY_MATERIAL_INVALID'],
    ['an extended key that is cut', BIP86.root.slice(0, -3), 'KEY_MATERIAL_INVALID'],
    ['an extended key that is mistyped', BIP86.root.replace('xprv9s2', 'xprv9s3'), 'KEY_MATERIAL_INVALID'],
    ['an extended public key', BIP86.chainAndKey, 'KEY_MATERIAL_INVALID'],
    ['a key for other addresses', `z${BIP86.root.slice(1)}`, 'KEY_MATERIAL_UNSUPPORTED'],
    [
      'a single private key',
      'L5oLkpV3aqBjhki6LmvChTCV6odsp4SXM6FfU2Gppt5kFLaHLuZ9',
      'KEY_MATERIAL_UNSUPPORTED',
    ],
    ['hex digits', 'ab'.repeat(32), 'KEY_MATERIAL_UNSUPPORTED'],
    ['nothing', '', 'KEY_MATERIAL_INVALID'],
    ['a letter', 'Dear bank,', 'KEY_MATERIAL_INVALID'],
  ])('given as %s is refused in words', (_, text, code) => {
    expect(refused(text)).toBe(code);
  });

  test('of another network, or at a path that is none, is refused in words', () => {
    expect(refused(BIP86.root, { ...wallet, network: 'testnet' })).toBe('KEY_MATERIAL_UNSUPPORTED');
    for (const path of ['86', 'm/', 'm/x', 'm/-1', 'm/2147483648', `m${'/0'.repeat(11)}`])
      expect(refused(WORDS, { ...wallet, path })).toBe('KEY_MATERIAL_INVALID');
  });
});

/** Made by ssh-keygen for this test. */
const OPENSSH = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACBcty13A8HQVJXOgs/HdBGjEPf6ZAG9Oa6ZOPZCzRW4LgAAAIgue3xmLnt8
ZgAAAAtzc2gtZWQyNTUxOQAAACBcty13A8HQVJXOgs/HdBGjEPf6ZAG9Oa6ZOPZCzRW4Lg
AAAEBmqRrubc2msm6bwf7ZL5eUB3777IQdjMVRWIdkz/Vylly3LXcDwdBUlc6Cz8d0EaMQ
9/pkAb05rpk49kLNFbguAAAABHRlc3QB
-----END OPENSSH PRIVATE KEY-----
`;
const PUBLIC = '5cb72d7703c1d05495ce82cfc77411a310f7fa6401bd39ae9938f642cd15b82e';
const WITH_PASSPHRASE = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDk3XmXSS
pC70VwAbPbVr+eAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIIMJE3Ucqh68pI2U
1ofetjeaq/0hmPiisCuBl8MrtIFVAAAAkF6DZRESBLzD6Zxr3ah85PDCf6uiLhm24QfBad
TNGAZi66mlZYTEBxJhWqh7ETG17uhmg0FYu8ExwO46OcZ8CKLg6FOWdZdl+geKPDuTqXQB
NS6iUSttvlItO8tVI3QCvlmBEygZcb5YyNw/6vcH6PblJ8vnTE9rcf0XaKz66rZZnYKTiE
YRNkPY8sEyd5f7Lg==
-----END OPENSSH PRIVATE KEY-----`;

describe('a key of OpenSSH', () => {
  test('is its scalar, under the public key it has', () => {
    const material = read(OPENSSH, ssh);
    expect(encodeHex(material.groupKey)).toBe(PUBLIC);
    expect(material.chainCode).toBeNull();
    const scalar = reveal(material.secret, 'test');
    const little = [...scalar].reverse().reduce((value, byte) => value * 256n + BigInt(byte), 0n);
    expect(encodeHex(ed25519.Point.BASE.multiply(little).toBytes())).toBe(PUBLIC);
  });

  test('cut anywhere, or changed in any letter, is refused, or is the same key still', () => {
    const body = OPENSSH.split('\n').slice(1, -2).join('');
    const wrapped = (text: string) =>
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`;
    for (let length = 0; length < body.length; length += 7)
      expect(refused(wrapped(body.slice(0, length)), ssh)).toBe('KEY_MATERIAL_INVALID');
    const accepted = [];
    for (let at = 0; at < body.length; at += 3) {
      const changed = wrapped(`${body.slice(0, at)}${body[at] === 'x' ? 'y' : 'x'}${body.slice(at + 1)}`);
      try {
        accepted.push(encodeHex(read(changed, ssh).groupKey));
      } catch (error) {
        expect((error as { readonly code: string }).code).toMatch(/^KEY_MATERIAL_/);
      }
    }
    // What stands in no check is the comment, and the two numbers that have to be equal.
    expect(new Set(accepted).size).toBeLessThanOrEqual(1);
    expect(refused(OPENSSH.slice(0, -20), ssh)).toBe('KEY_MATERIAL_INVALID');
    expect(refused(`${OPENSSH}more`, ssh)).toBe('KEY_MATERIAL_INVALID');
  });

  test('with a passphrase, of another type, or for bitcoin is refused in words', () => {
    expect(refused(WITH_PASSPHRASE, ssh)).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused('-----BEGIN RSA PRIVATE KEY-----\nAAAA\n', ssh)).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused(OPENSSH, wallet)).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused(WORDS, ssh)).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused(BIP86.root, ssh)).toBe('KEY_MATERIAL_UNSUPPORTED');
  });
});

describe('a scalar in hex', () => {
  const message: MaterialOptions = { ...ssh, purpose: 'message' };

  test('is taken in the encoding of its suite', () => {
    const one = `01${'00'.repeat(31)}`;
    expect(encodeHex(read(one, message).groupKey)).toBe(encodeHex(ed25519.Point.BASE.toBytes()));
    const big = `${'00'.repeat(31)}01\n`;
    const { groupKey } = read(big, { ...message, suite: 'P-256' });
    expect(encodeHex(groupKey)).toBe('036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296');
  });

  test('that is zero, not canonical, or of another length is refused', () => {
    for (const text of ['00'.repeat(32), 'ff'.repeat(32), 'ab'.repeat(31), `${'ab'.repeat(32)}0`])
      expect(refused(text, message)).toBe('KEY_MATERIAL_INVALID');
  });
});
