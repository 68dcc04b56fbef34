import { encodeHex, secret } from '@ckm/foundation';
import { schnorr } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { parseUr } from '../cbor/ur.js';
import { decodeCanonical, MAJOR, type Cbor } from '../cbor/dcbor.js';
import { decodePublicKeys, publicKeysFrom, type PublicKeys } from '../identity/public-keys.js';
import { primitives } from '../primitives/runtime.js';
import { decryptEnvelope, decryptSubject } from './encrypt.js';
import type { Envelope } from './envelope.js';
import { formatEnvelope } from './format/notation.js';
import { decryptSubjectWithPassword } from './permits/password.js';
import { decryptSubjectAsRecipient } from './permits/recipient.js';
import { leafText, unwrap } from './queries.js';
import { isSignedBy } from './signature.js';
import { formatEnvelopeUr, parseEnvelopeUr } from './ur.js';

// Made with the reference's command line tool. Source: BlockchainCommons/bc-envelope-cli-rust, docs/BasicExamples.md.
const ALICE_PRVKEYS =
  'ur:crypto-prvkeys/lftansgohdcxdntswmjerdqdoxhnguzsdrhfcmjsfewkhkvezohkeycpasdysrvdgypeoemtgywztansgehdcxisespmvlhflnweksvyfnmhvofysnhyztpyhlftluweaoemenurstreckoybbfroektnncyls';
const ALICE_PUBKEYS =
  'ur:crypto-pubkeys/lftanshfhdcxrdhgfsfsfsosrloebgwmfrfhsnlskegsjydecawybniadyzovehncacnlbmdbesstansgrhdcxytgefrmnbzftltcmcnaspaimhftbjehlatjklkhktidrpmjobslewkfretcaetbnwksorlbd';
const BOB_PRVKEYS =
  'ur:crypto-prvkeys/lftansgohdcxhnlyeyzccpldfhsbmekkhspsmonlonctptenpkhettluhpzmteldssmejtdwbakttansgehdcxrkvapykpvalucwkgsalnmndefsfxfefsbwlujycebafybdqdpddwswswlktyzerfbeylotmk';
const BOB_PUBKEYS =
  'ur:crypto-pubkeys/lftanshfhdcxndctnnflynethhhnwdkbhtehhdosmhgoclvefhjpehtaethkltsrmssnwfctfggdtansgrhdcxtipdbagmoertsklaflfhfewsptrlmhjpdeemkbdyktmtfwnninfrbnmwonetwphejzwnmhhf';
const CAROL_PRVKEYS =
  'ur:crypto-prvkeys/lftansgohdcxmorsytadihzswmckyltauyolecmevychhlwmtylbhsmdptfdrtuewnjtdkmnmkretansgehdcxhentsejphsfwclylihbwroaoisptaskegrimyldebecsdrrtbdlrrslazeursspmldtkmdds';
const CAROL_PUBKEYS =
  'ur:crypto-pubkeys/lftanshfhdcxeckpgwvyasletilffeeekbtyjlzeimmtkslkpadrtnnytontpyfyeocnecstktkttansgrhdcxoyndtbndhspebgtewmgrgrgriygmvwckkkaysfzozclbgendfmhfjliorteenlbwsbkbotbs';
const SIGNED =
  'ur:envelope/lftpsoiyfdihjzjzjldmoyaxtpsotansghhdfzyllgzozckekpaawymwqztekphtuygsamincputweetahmtksjkghashhchjsrpjtkncletmsnedkdnlddpnynbldmwjzgmgenytaytbslbcmstneldchjlkotoemwfcyrsfnhpbt';
const MULTISIGNED =
  'ur:envelope/lstpsoiyfdihjzjzjldmoyaxtpsotansghhdfzlppavymhfhfhhentdepdgdvokosrwzhgmechrlhgiyjtihkitoiasrjzlpsocxntrfssytwlnyrnwscletbamofhaeiokknysshnrootnywpgwwtbeatdmvshsktcymnoyaxtpsotansghhdfzihpdfybkkggdksmemoescwbyvamebyhffwltahjzayfxjzwmiakksauyaecnknwngrsnsfsnztaxprhfvepdrflnspfsdawsptguhpksolzczowyjzltwzgwhshgpyyaenhycyzc';
const KEY = 'ur:crypto-key/hdcxndcpaxtllrgtclpasaytgoynadhnssbnlaytyluokelebggokpkkgodyfpchlnwnnehpmtte';
const ENCRYPTED =
  'ur:envelope/tansfwlrgrckhletctnsfndpctlygedmgsjogtsatildbaknadjzsbrpmegdjobzioskonnehhgmjnskpdbbgootyagthddatansfphdcxlksojzuyktbykovsecbygebsldeninbdfptkwebtwzdpadglwetbgltnwdmwhlhkfdderlpf';
const WITH_PASSWORD =
  'ur:envelope/lftansfwlrgrdlvllyztmnqzhswmcwcxwfgsaeksaxpmctqdgstiimcpndhngdeyfmentbsnwejewysomtdrwnieckfztdhddatansfphdcxlksojzuyktbykovsecbygebsldeninbdfptkwebtwzdpadglwetbgltnwdmwhlhkoybwtpsotanshptansfwlrhdcxhghpgoadrsiskbascwlehgtdotispffyrkjzplwtdltpuertdkfzlevswnrdhndkgsjycmktfwperehestzmcsnsjkgdtowegeyauepeylotaxgoosgtbstebwishflfaxtansgmgdpdwmaymotieoutvlqzckjkkghfjnzsjtghnnbdkk';
const WITH_SSH_AGENT =
  'ur:envelope/lftansfwlrgrwpeottcyckhykbeorotttbgsdwaxwdkowttkgukbtivwbwcfgdytnywnlgzooykolulrqzkkfhftecvwcxhddatansfphdcxlksojzuyktbykovsecbygebsldeninbdfptkwebtwzdpadglwetbgltnwdmwhlhkoybwtpsotanshptansfwlrhdcxsartotmkjyhffsfrmebgdyynganeayvtenchdpdyztfrbnluvdonlphslbzemnrhgssniepahyhywpkbmktsmolbqdgdlfbztkmwtpsenbmwwznyrppsbatlcsadhddslsaatansgmgdqzfsswfmjobnlysebwvtettntkkocswmjlhsjziniaihfzjzjliahsjzisjljkjyguzshpox';
const SIGN_KEY = 'ur:crypto-key/hdcxhkwenldmtpvyuyjthgjnwpurdndrhhesatlsqddrrkbtclfmdreooscmamdsdsvyvyrpmojn';
const SIGNED_THEN_ENCRYPTED =
  'ur:envelope/tansfwlrhdhgjtlecaaonbtnjlaeqdbagmmnpssbmkkkjzfstnkbemreidiowsihrfyldnwtgrpeksamfhcyotfrpkretarhmdlutszmluticnlpemfwbybschplfngmptkbcyiajpdnrtgwjohejtstkplgaoiatdtoasaepetajntdkgcnztloykgsrdfgwpamrdcehpbkfrkgvdmegdhdaograsetteswjnnyhlihjklkehlpiahddatansfphdcxcyaeaawkzsmtbbmoclfzlalybkoyenzointavtprwecsdwwnwnclkefydedahtjeeewntlti';
const OTHER_KEY =
  'ur:crypto-key/hdcxvtbafhhncnmywyckttntsawypyayhlgalypluodlcmnysalbaxaajefsromestdpdnplwyns';
const ENCRYPTED_THEN_SIGNED =
  'ur:envelope/lftansfwlrgrhpcsbdylrthemsdmfxdtnegswdidhpcasewdfmdrldrllbpdgdjnfydyrkbgcpltgogwiohhaewniyvthehddatansfphdcxlksojzuyktbykovsecbygebsldeninbdfptkwebtwzdpadglwetbgltnwdmwhlhkoyaxtpsotansghhdfzeececsnlwdbdfyjptslylejtcnyktokirshytbhloytdyajpecvatpmkahcaplrhnduodaaorhdewtfmeotawdlsihdsrlbklruywldktlvlltgapenlpfehecmonyrkayenvlnt';
const TO_BOB_AND_CAROL =
  'ur:envelope/lstansfwlrgrnegsuotnsgctlorfnywyldgsoycktaahemgshfpmhpfeesongdswjoktndvtfpbwcyglltfpbaecmyvyfghddatansfphdcxlksojzuyktbykovsecbygebsldeninbdfptkwebtwzdpadglwetbgltnwdmwhlhkoyahtpsotansgulftansfwlshddasatsbysstiwdaortcfdwprcejeadkbhkktoydyetqzfywdlykbsktopkonlrcwbaecdeihfmdigsmyfdfdhnskntihbgfwiagyghgdimatlyvweywddsuemsihfztnayvokgpstansgrhdcxcsgomtbklyzefdcsgyienycfjowmfhghgaadtajecewtdyrorybdtkstimhtglgsoyahtpsotansgulftansfwlshddaaofshlotwkayjpbybbdeflehftpetthkhdryiepkmorozmctjoishsdwtehsbzdtmnihuovycfgstakikkbyrorneyjegtlkiecegdaxlyceeelbdmlnbefmsfdwsocsremygstansgrhdcxgysgzstntydiutbzflpacacngwkkgeetgwpkskltwksahdadfrvwissoeemuayahgrgybbwl';
const SIGNED_TO_BOB_AND_CAROL =
  'ur:envelope/lrtansfwlrgrchhpcmhtryrfvwwpvlhyuogsbbpffrjyfelazootsemkptmngdfpvsinflmufytbotcswyjlamcytennfmhddatansfphdcxlksojzuyktbykovsecbygebsldeninbdfptkwebtwzdpadglwetbgltnwdmwhlhkoyahtpsotansgulftansfwlshddavdlojkpdhymkrliecmrhzoktfhmwjliokpdpbysftydnbyhlidclykmorovydidwmskpsotyzcgswyreyadapmbeoeinglgmftztgdfdbwsnjllfhtrspatoehoylgtkvlgrbntansgrhdcxdypmdngmketdktwltyutnbmozostbscnfpjptopkmdgdbgoesfatisgaietnroemoyaxtpsotansghhdfzkegyeyjnbwahcsvabngyfpzectgebbloveadflmtmospgyamsortvamylycnpfdtvecpfrzovtfsnbluonkirdglkiclnbbninditiykisdnghmusgqdvylrkifwietyoyahtpsotansgulftansfwlshddarshpynbbrkbkwegapklfhhgoeylubemydthelfmytkcsemprnycezetaflcpadhfatmhssjkotgshpskfggmvwjlfhvtynmtpfbwgdcyqdyadputjemekgbdpmvdtsbkrfpemwtansgrhdcxbwutskfzvsoeeyfyjsfmihcerhhsfppmaosnutptuytpdlbzaesozsfmykprhthdwprfrdtb';

function keysFrom(text: string): PublicKeys {
  return decodePublicKeys(withTag(40017, parseUr(text, 'crypto-pubkeys').cbor));
}

function withTag(tag: number, untagged: Uint8Array): Uint8Array {
  return new Uint8Array([0xd9, tag >> 8, tag & 0xff, ...untagged]);
}

/** [40021(signing), 40010(agreement)], each 32 bytes. */
function privateKeysFrom(text: string): { signing: Uint8Array; agreement: Uint8Array } {
  const item = decodeCanonical(parseUr(text, 'crypto-prvkeys').cbor);
  const [signing, agreement] = item.type === MAJOR.array ? item.value.map(taggedBytes) : [];
  return { signing: signing!, agreement: agreement! };
}

function taggedBytes(item: Cbor): Uint8Array {
  if (item.type !== MAJOR.tag || item.value.type !== MAJOR.bytes) throw new TypeError('tagged bytes');
  return item.value.value.slice();
}

function contentKeyFrom(text: string): Uint8Array {
  const item = decodeCanonical(parseUr(text, 'crypto-key').cbor);
  if (item.type !== MAJOR.bytes) throw new TypeError('bytes');
  return item.value.slice();
}

const alice = keysFrom(ALICE_PUBKEYS);
const bob = privateKeysFrom(BOB_PRVKEYS);
const carol = privateKeysFrom(CAROL_PRVKEYS);
const carolPublic = keysFrom(CAROL_PUBKEYS);

function agreementOf(keys: { agreement: Uint8Array }) {
  return secret(keys.agreement.slice());
}

describe('envelopes made by the reference tool', () => {
  it('come back byte for byte', () => {
    const all = [
      SIGNED,
      MULTISIGNED,
      ENCRYPTED,
      WITH_PASSWORD,
      WITH_SSH_AGENT,
      SIGNED_THEN_ENCRYPTED,
      ENCRYPTED_THEN_SIGNED,
      TO_BOB_AND_CAROL,
      SIGNED_TO_BOB_AND_CAROL,
    ];
    for (const text of all) expect(formatEnvelopeUr(parseEnvelopeUr(text))).toBe(text);
  });

  it('print as the reference prints them', () => {
    const format = (text: string) => formatEnvelope(parseEnvelopeUr(text));
    expect(format(SIGNED)).toBe(`"Hello." [\n    'signed': Signature\n]`);
    expect(format(MULTISIGNED)).toBe(`"Hello." [\n    'signed': Signature\n    'signed': Signature\n]`);
    expect(format(ENCRYPTED)).toBe('ENCRYPTED');
    expect(format(WITH_SSH_AGENT)).toBe(
      `ENCRYPTED [\n    'hasSecret': EncryptedKey(SSHAgent("alice@localhost"))\n]`,
    );
    expect(format(WITH_PASSWORD)).toBe(`ENCRYPTED [\n    'hasSecret': EncryptedKey(Argon2id)\n]`);
    expect(format(SIGNED_TO_BOB_AND_CAROL)).toBe(
      `ENCRYPTED [\n    'hasRecipient': SealedMessage\n    'hasRecipient': SealedMessage\n    'signed': Signature\n]`,
    );
  });

  it('verify with the Schnorr key of the signer and with no other', () => {
    const signed = parseEnvelopeUr(SIGNED);
    expect(isSignedBy(signed, alice.signing)).toBe(true);
    expect(isSignedBy(signed, carolPublic.signing)).toBe(false);
    const both = parseEnvelopeUr(MULTISIGNED);
    expect([alice, carolPublic].map((keys) => isSignedBy(both, keys.signing))).toEqual([true, true]);
    expect(isSignedBy(both, keysFrom(BOB_PUBKEYS).signing)).toBe(false);
  });

  it('open with their symmetric key and with no other', () => {
    const key = contentKeyFrom(KEY);
    expect(leafText(decryptSubject(parseEnvelopeUr(ENCRYPTED), key))).toBe('Hello.');
    const wrong = contentKeyFrom(SIGN_KEY);
    expect(() => decryptSubject(parseEnvelopeUr(ENCRYPTED), wrong)).toThrow('does not open');
  });

  it('keep the order of signing and encrypting apart', () => {
    const inner = unwrap(decryptSubject(parseEnvelopeUr(SIGNED_THEN_ENCRYPTED), contentKeyFrom(SIGN_KEY)));
    expect(isSignedBy(inner, alice.signing)).toBe(true);
    expect(decryptEnvelope(parseEnvelopeUr(SIGNED_THEN_ENCRYPTED), contentKeyFrom(SIGN_KEY))).toEqual(inner);
    const outer = parseEnvelopeUr(ENCRYPTED_THEN_SIGNED);
    expect(isSignedBy(outer, alice.signing)).toBe(true);
    const opened = decryptSubject(outer, contentKeyFrom(OTHER_KEY));
    expect(leafText(opened)).toBe('Hello.');
    expect(isSignedBy(opened, alice.signing)).toBe(true);
  });

  it('open for each recipient and for nobody else', () => {
    for (const text of [TO_BOB_AND_CAROL, SIGNED_TO_BOB_AND_CAROL]) {
      const open = (who: { agreement: Uint8Array }): Envelope =>
        decryptSubjectAsRecipient(parseEnvelopeUr(text), agreementOf(who));
      expect([bob, carol].map((who) => leafText(open(who)))).toEqual(['Hello.', 'Hello.']);
      expect(() => open(privateKeysFrom(ALICE_PRVKEYS))).toThrow('not sealed to the key');
    }
  });

  it(
    'open with their password and with no other: the Argon2id costs are those of the reference',
    { tags: 'slow' },
    () => {
      const locked = parseEnvelopeUr(WITH_PASSWORD);
      expect(leafText(decryptSubjectWithPassword(locked, secret('test')))).toBe('Hello.');
      expect(() => decryptSubjectWithPassword(locked, secret('Test'))).toThrow('no password permit');
    },
  );

  it('leave permits of kinds that we do not offer alone', () => {
    const locked = parseEnvelopeUr(WITH_SSH_AGENT);
    expect(() => decryptSubjectWithPassword(locked, secret('test'))).toThrow('no password permit');
  });
});

describe('keys of the reference tool', () => {
  it('are derived from a seed with the salts that identities use', () => {
    const seed = Uint8Array.from(Buffer.from('82f32c855d3d542256180810797e0073', 'hex'));
    const [signing, agreement] = ['signing', 'agreement'].map((salt) =>
      primitives.hkdfSha256(seed, new TextEncoder().encode(salt), new Uint8Array(0), 32),
    );
    const keys = privateKeysFrom(ALICE_PRVKEYS);
    expect([signing, agreement]).toEqual([keys.signing, keys.agreement]);
    expect(encodeHex(alice.signing.bytes)).toBe(encodeHex(schnorr.getPublicKey(signing!)));
    expect(alice.agreement).toEqual(primitives.x25519PublicKey(agreement!));
  });

  it('of kinds that we cannot use are refused with a typed error', () => {
    const unknown = decodeCanonical(
      new Uint8Array([0xd9, 0x9c, 0x51, 0x82, 0xd9, 0x9c, 0x56, 0x82, 0x09, 0x40, 0x00]),
    );
    expect(() => publicKeysFrom(unknown)).toThrow(expect.objectContaining({ code: 'PUBLIC_KEYS_INVALID' }));
  });
});
