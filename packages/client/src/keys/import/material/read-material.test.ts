import { encodeHex, encodeUtf8, reveal, secret } from '@ckm/foundation';
import { bitcoinAddress } from '@ckm/requests';
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { parsePrivatePath } from './bip32.js';
import { publicHalfOf } from './key-material.js';
import { isLockedKeyFile, unlockKeyFile } from './openssh-lock.js';
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
  format: null,
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
      'a single private key that is mistyped',
      'L5oLkpV3aqBjhki6LmvChTCV6odsp4SXM6FfU2Gppt5kFLaHLuZ8',
      'KEY_MATERIAL_INVALID',
    ],
    [
      'an uncompressed private key',
      '5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ',
      'KEY_MATERIAL_UNSUPPORTED',
    ],
    ['hex digits, which may be two things', 'ab'.repeat(32), 'KEY_MATERIAL_AMBIGUOUS'],
    ['nothing', '', 'KEY_MATERIAL_INVALID'],
    ['a letter', 'Dear bank,', 'KEY_MATERIAL_INVALID'],
  ])('given as %s is refused in words', (_, text, code) => {
    expect(refused(text)).toBe(code);
  });

  test('of another network, or at a path that is none, is refused in words', () => {
    expect(refused(BIP86.root, { ...wallet, network: 'testnet' })).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused(SINGLE, { ...wallet, network: 'regtest' })).toBe('KEY_MATERIAL_UNSUPPORTED');
    for (const path of ['86', 'm/', 'm/x', 'm/-1', 'm/2147483648', `m${'/0'.repeat(11)}`])
      expect(refused(WORDS, { ...wallet, path })).toBe('KEY_MATERIAL_INVALID');
  });
});

/** Of the scalar 1, whose public key is the generator. */
const SINGLE = 'KwDiBf89QgGbjEhKnhXJuH7LrciVrZi3qYjgd9M7rFU73sVHnoWn';

describe('a single private key of Bitcoin', () => {
  test('is the key itself, without children, and as a scalar in hex digits the same', () => {
    const material = read(SINGLE);
    expect(encodeHex(material.groupKey)).toBe(
      '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    );
    expect([material.chainCode, material.path, material.format]).toEqual([null, null, 'wif']);
    const hex = read(`${'00'.repeat(31)}01`, { ...wallet, format: 'scalar' });
    expect(encodeHex(hex.groupKey)).toBe(encodeHex(material.groupKey));
  });
});

describe('what would do nothing, or is not what it is said to be', () => {
  test.each([
    ['a path of an SSH key', () => refused(OPENSSH, { ...ssh, path: 'm/0' }), 'KEY_MATERIAL_UNSUPPORTED'],
    ['a path of a single key', () => refused(SINGLE, { ...wallet, path: 'm' }), 'KEY_MATERIAL_UNSUPPORTED'],
    [
      'a passphrase of words for an extended key',
      () => refused(BIP86.root, { ...wallet, passphrase: '' }),
      'KEY_MATERIAL_UNSUPPORTED',
    ],
    ['words as an extended key', () => refused(WORDS, { ...wallet, format: 'xprv' }), 'KEY_MATERIAL_INVALID'],
    [
      'hex digits as words',
      () => refused('ab'.repeat(32), { ...wallet, format: 'words' }),
      'KEY_MATERIAL_INVALID',
    ],
    [
      'a single key for messages',
      () => refused(SINGLE, { ...ssh, purpose: 'message' }),
      'KEY_MATERIAL_UNSUPPORTED',
    ],
  ])('is refused: %s', (_, refusal, code) => {
    expect(refusal()).toBe(code);
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
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAh0+DSmA
Ur3od+6VUYEJWPAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAILh+EGC/fHX9jJOT
CQ4u4EJXdZNEltTolCl/SwfTIjxgAAAAkOfzMoU4O2PT9skfF47A1xerVMXjXQGCXAxHHF
4FXcg4+uyy1FjyvUEqruKNxpRKHGxJQVhnQATN86SfgGIVxQT0KRqlR2IBqV4LvueCLMh9
zYJSBMGHiCpjtcP9HH9qGgx9VcUX4uLAAmPg7ioDujumn5S3mcTazrpZlPGPmuNCvYk70P
AbOAo1O30RACbxig==
-----END OPENSSH PRIVATE KEY-----`;
/** By `-Z aes256-cbc`, which ssh-keygen took by itself before. */
const WITH_OLD_CIPHER = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jYmMAAAAGYmNyeXB0AAAAGAAAABD+scIR9D
Yk5mvSHnA3CGYIAAAAAwAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIMEaY1NWXzDnEDSK
VY37tWHWHNsDAkMiBBvWHqn9IEG8AAAAkJkkHhRr/P4sb7fy7PFFVUZXCT7twIqPeFMbRF
UsgY5ANNdULq5x/k1EKyBvGVzXqV6gdmRMvm9Znz0VxNqwTyo1i/zfn5x3i1Rv+DJ/Q5Oo
Vh7HxT2zizTM6T74EP/UiAArglodTwGalF/YuVEHoroyHHcdBNskZJfOTkxFIGnT5gHl3l
XfzCVyE1ykUqCQyQ==
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

  test('with a passphrase is opened by that alone', async () => {
    const file = encodeUtf8(WITH_PASSPHRASE);
    expect([isLockedKeyFile(file), isLockedKeyFile(encodeUtf8(OPENSSH))]).toEqual([true, false]);
    for (const other of [WORDS, WITH_PASSPHRASE.slice(0, 200), WITH_PASSPHRASE.replace('b3Bl', 'AAAA')])
      expect(isLockedKeyFile(encodeUtf8(other))).toBe(false);
    expect(refused(WITH_PASSPHRASE, ssh)).toBe('KEY_MATERIAL_LOCKED');
    const open = (passphrase: string, text = WITH_PASSPHRASE) =>
      unlockKeyFile(encodeUtf8(text), secret(encodeUtf8(passphrase)));
    const locked = expect.objectContaining({ code: 'KEY_MATERIAL_LOCKED' }) as Error;
    await expect(open('another')).rejects.toThrow(locked);
    await expect(open('')).rejects.toThrow(locked);
    for (const [text, publicKey] of [
      [WITH_PASSPHRASE, 'b87e1060bf7c75fd8c9393090e2ee0425775934496d4e894297f4b07d3223c60'],
      [WITH_OLD_CIPHER, 'c11a6353565f30e710348a558dfbb561d61cdb03024322041bd61ea9fd2041bc'],
    ] as const) {
      const opened = await open('correct horse', text);
      expect(encodeHex(readMaterial(opened, ssh).groupKey)).toBe(publicKey);
    }
    const body = WITH_PASSPHRASE.replaceAll('\n', '');
    for (let cut = 60; cut < body.length - 40; cut += 41) {
      const text = `${WITH_PASSPHRASE.slice(0, cut)}\n-----END OPENSSH PRIVATE KEY-----`;
      const opened = await open('correct horse', text).catch((error: unknown) => error);
      expect((opened as { readonly code?: string }).code).toBe('KEY_MATERIAL_INVALID');
    }
  });

  test('of another type, or for bitcoin is refused in words', () => {
    expect(refused('-----BEGIN RSA PRIVATE KEY-----\nAAAA\n', ssh)).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused(OPENSSH, wallet)).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused(WORDS, ssh)).toBe('KEY_MATERIAL_UNSUPPORTED');
    expect(refused(BIP86.root, ssh)).toBe('KEY_MATERIAL_UNSUPPORTED');
  });
});

describe('a scalar in hex', () => {
  const message: MaterialOptions = { ...ssh, purpose: 'message', format: 'scalar' };

  test('is taken in the encoding of its suite', () => {
    const one = `01${'00'.repeat(31)}`;
    expect(encodeHex(read(one, message).groupKey)).toBe(encodeHex(ed25519.Point.BASE.toBytes()));
    const big = `${'00'.repeat(31)}01\n`;
    const { groupKey } = read(big, { ...message, suite: 'P-256', format: null });
    expect(encodeHex(groupKey)).toBe('036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296');
  });

  /** Source: RFC 8032 §7.1, TEST 1 */
  const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
  const OF_SEED = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

  test('of Ed25519 may be its seed, and is taken for neither unless that is said', () => {
    for (const purpose of ['message', 'ssh'])
      expect(refused(SEED, { ...message, purpose, format: null })).toBe('KEY_MATERIAL_AMBIGUOUS');
    const seed: MaterialOptions = { ...message, format: 'seed' };
    for (const text of [SEED, SEED.toUpperCase(), `${SEED}${OF_SEED}\n`])
      expect(encodeHex(read(text, seed).groupKey)).toBe(OF_SEED);
    expect(refused(`${SEED}${SEED}`, seed)).toBe('KEY_MATERIAL_INVALID');
    expect(refused(SEED.slice(2), seed)).toBe('KEY_MATERIAL_INVALID');
    expect(refused(SEED, { ...seed, suite: 'P-256' })).toBe('KEY_MATERIAL_UNSUPPORTED');
  });

  test('that is zero, not canonical, or of another length is refused', () => {
    for (const text of ['00'.repeat(32), 'ff'.repeat(32), 'ab'.repeat(31), `${'ab'.repeat(32)}0`])
      expect(refused(text, message)).toBe('KEY_MATERIAL_INVALID');
  });
});
