/** An encoding, as far as the iconv of git (glibc) and this machine read it alike. */
export interface EncodingTable {
  /** What iconv calls it, in capitals: all other names are none to git, which then shows the bytes as they are. */
  readonly names: readonly string[];
  /** What WHATWG Encoding §4.2 calls it. */
  readonly label: string;
  /** Characters that are read otherwise, or only on one side. */
  readonly except?: RegExp;
  /** Undefined: each byte is a character. */
  readonly pairs?: PairTable;
}

/** Which bytes are a character, and which two. Other bytes are read otherwise, or on one side only. */
export interface PairTable {
  /** Ranges: `01-7f,a1-df`. */
  readonly single: string;
  /** Ranges of the first byte, and of the second behind it: `b0-d6:a1-fe d7:a1-f9`. */
  readonly double: string;
}

const ASCII = '01-7f';
/** Bytes that Windows leaves free are control characters here, and nothing to iconv. */
const FREE_IN_WINDOWS = /[\x80-\x9f]/;
/** The same, and marks: iconv puts them together with the letter in front. */
const FREE_OR_MARK = /[\x80-\x9f]|\p{M}/u;

function windows(page: number, except = FREE_IN_WINDOWS): EncodingTable {
  return { names: [`CP${page}`, `WINDOWS-${page}`], label: `windows-${page}`, except };
}

function iso8859(part: number, ...more: readonly string[]): EncodingTable {
  const names = [`ISO-8859-${part}`, `ISO8859-${part}`, `ISO8859${part}`, ...more];
  return { names, label: `iso-8859-${part}` };
}

const SINGLE_BYTE: readonly EncodingTable[] = [
  iso8859(2, 'LATIN2'),
  ...[3, 4, 5, 6, 7, 8, 10, 13, 14].map((part) => iso8859(part)),
  iso8859(15, 'LATIN9', 'LATIN-9'),
  iso8859(16),
  ...[1250, 1251, 1253, 1254, 1256, 1257].map((page) => windows(page)),
  windows(1255, FREE_OR_MARK),
  windows(1258, FREE_OR_MARK),
  { names: ['KOI8-R', 'KOI8R'], label: 'koi8-r' },
  { names: ['KOI8-U', 'KOI8U'], label: 'koi8-u', except: /[ўЎ]/ },
  { names: ['CP866', 'IBM866'], label: 'ibm866' },
  { names: ['MACINTOSH', 'MAC'], label: 'macintosh', except: /[\u2206\uf8ff]/ },
];

const EUC_JP = [
  '8e:a1-df a1:a1-c0,c3-dc,de-f0,f3-fe a2:a1-ae,ba-c1,ca-cb,cd-d0,dc-ea,f2-f9,fe a3:b0-b9,c1-da,e1-fa a4:a1-f3 a5:a1-f6',
  'a6:a1-b8,c1-d8 a7:a1-c1,d1-f1 a8:a1-c0 b0-ce:a1-fe cf:a1-d3 d0-f3:a1-fe f4:a1-a6',
];
const EUC_KR = [
  'a1:a1-fe a2:a1-e5 a3-a4:a1-fe a5:a1-aa,b0-b9,c1-d8,e1-f8 a6:a1-e4 a7:a1-ef a8:a1-a4,a6,a8-af,b1-fe a9:a1-fe aa:a1-f3',
  'ab:a1-f6 ac:a1-c1,d1-f1 b0-c8:a1-fe ca-fd:a1-fe',
];
const GB2312 = [
  'a1:a1-a3,a5-a9,ab-fe a2:b1-e2,e5-ee,f1-fc a3:a1-fe a4:a1-f3 a5:a1-f6 a6:a1-b8,c1-d8 a7:a1-c1,d1-f1 a8:a1-ba,c5-e9',
  'a9:a4-ef b0-d6:a1-fe d7:a1-f9 d8-f7:a1-fe',
];
const GBK = [
  '81-a0:40-7e,80-fe a1:a1-fe a2:a1-aa,b1-e2,e5-ee,f1-fc a3:a1-fe a4:a1-f3 a5:a1-f6 a6:a1-b8,c1-d8,e0-eb,ee-f2,f4-f5',
  'a7:a1-c1,d1-f1 a8:40-7e,80-95,a1-bb,bd-be,c0,c5-e9 a9:40-57,59-5a,5c,60-7e,80-88,96,a4-ef aa-af:40-7e,80-a0',
  'b0-d6:40-7e,80-fe d7:40-7e,80-f9 d8-f7:40-7e,80-fe f8-fd:40-7e,80-a0 fe:40-4f',
];
const GB18030 = [
  '81-a2:40-7e,80-fe a3:40-7e,80-9f,a1-fe a4-fd:40-7e,80-fe fe:40-50,54-6b,6d-75,77-7e,80-90,92-fe',
];
const BIG5 = ['a1-a2:40-7e,a1-fe a3:40-7e,a1-bf,e1 a4-f9:40-7e,a1-fe'];
/** JIS X 0208 without its signs, as Shift_JIS writes it. */
const JIS_LETTERS = [
  '82:4f-58,60-79,81-9a,9f-f1 83:40-7e,80-96,9f-b6,bf-d6 84:40-60,70-7e,80-91,9f-be 88:9f-fc 89-97:40-7e,80-fc',
  '98:40-72,9f-fc 99-9f:40-7e,80-fc e0-e9:40-7e,80-fc ea:40-7e,80-a4',
];
const SHIFT_JIS = ['81:40-5f,62-7b,7d-7e,80-90,93-ac,b8-bf,c8-c9,cb-ce,da-e8,f0-f7,fc', ...JIS_LETTERS];
const CP932 = [
  '81:40-7e,80-ac,b8-bf,c8-ce,da-e8,f0-f7,fc 87:40-5d,5f-75,7e,80-9c ed:40-7e,80-fc ee:40-7e,80-ec,ef-fc f0-fb:40-7e,80-fc',
  'fc:40-4b',
  ...JIS_LETTERS,
];

function paired(
  names: readonly string[],
  label: string,
  rows: readonly string[],
  single = ASCII,
): EncodingTable {
  return { names, label, pairs: { single, double: rows.join(' ') } };
}

/**
 * Encodings in which every byte below 0x80 is ASCII, or the second of a character, which there never ends a line or a name: the
 * others could be split otherwise than git splits them. UTF-8, ASCII, ISO-8859-1 and Windows-1252 are read without these tables.
 */
export const ENCODING_TABLES: readonly EncodingTable[] = [
  ...SINGLE_BYTE,
  paired(['EUC-JP', 'EUCJP'], 'euc-jp', EUC_JP),
  paired(['EUC-KR', 'EUCKR', 'UHC', 'CP949'], 'euc-kr', EUC_KR),
  paired(['GB2312', 'EUC-CN', 'EUCCN'], 'gbk', GB2312),
  paired(['GBK', 'CP936'], 'gbk', GBK),
  paired(['GB18030'], 'gb18030', GB18030),
  paired(['BIG5', 'CP950'], 'big5', BIG5),
  paired(['SHIFT_JIS', 'SHIFT-JIS', 'SJIS'], 'shift_jis', SHIFT_JIS, '01-19,1b,1d-5b,5d-7d,a1-df'),
  paired(['CP932'], 'shift_jis', CP932, '01-19,1b,1d-7e,a1-df'),
];

/** Every character of a table: a byte, or the first of two times 256 and the second. */
export function charactersIn({ single, double }: PairTable): readonly number[] {
  const pairs = double.split(' ').flatMap((row) => {
    const [firsts, seconds] = row.split(':').map(bytesIn);
    return firsts!.flatMap((first) => seconds!.map((second) => first * 256 + second));
  });
  return [...bytesIn(single), ...pairs];
}

/** The bytes in ranges. */
function bytesIn(ranges: string): readonly number[] {
  return ranges.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map((digits) => Number.parseInt(digits, 16));
    return Array.from({ length: to! - from! + 1 }, (_, at) => from! + at);
  });
}
