/** A small symmetric picture: rows of tones, and the colours they are painted in. */
export interface LikenessPicture {
  /** Ten rows of ten cells: 0 background, 1 soft, 2 strong. The right half mirrors the left. */
  readonly rows: readonly (readonly Tone[])[];
  /** `#rrggbb` each. */
  readonly colours: { readonly background: string; readonly soft: string; readonly strong: string };
}

export type Tone = 0 | 1 | 2;

const SIDE = 10;
const HALF = SIDE / 2;
const TONES: readonly Tone[] = [0, 0, 1, 2];
/**
 * Pairs that stay apart in hue and in lightness, so that the picture also works without colour vision or in print.
 */
const PAIRS = [
  ['#f28e2b', '#1f3b73'],
  ['#7fb7be', '#7a1f3d'],
  ['#e3b23c', '#2b4c3f'],
  ['#d98fb3', '#274060'],
  ['#9bc53d', '#4a2545'],
  ['#f4a6a0', '#1d4e4a'],
  ['#6fa8dc', '#7b3f00'],
  ['#c5a3ff', '#1e5631'],
  ['#ffb347', '#5b2a86'],
  ['#58c4a9', '#6b2737'],
  ['#e8c547', '#30365f'],
  ['#a0c4e8', '#5a3e1b'],
  ['#e58fd0', '#12505b'],
  ['#b7c34d', '#3d2c8d'],
  ['#ff9f80', '#204b57'],
  ['#8ad1e8', '#73264d'],
] as const;
const BACKGROUNDS = ['#fbf7ee', '#eef3f7', '#f3f0f7', '#eef6ee'] as const;

/**
 * The picture of at least 14 random-looking bytes: 50 cells of two bits, then four bits for a pair of colours and two
 * for a background.
 */
export function pictureFrom(bytes: Uint8Array): LikenessPicture {
  const twoBits = (index: number): number => (bytes[index >> 2]! >> (6 - 2 * (index & 3))) & 3;
  const rows = Array.from({ length: SIDE }, (_, row) => {
    const left = Array.from({ length: HALF }, (_, column) => TONES[twoBits(row * HALF + column)]!);
    return [...left, ...left.toReversed()];
  });
  const [soft, strong] = PAIRS[bytes[13]! & 15]!;
  return { rows, colours: { background: BACKGROUNDS[(bytes[13]! >> 4) & 3]!, soft, strong } };
}

/** A self-contained SVG, 12 units a side; `title` is read by screen readers and may only hold letters, digits, `- .`. */
export function pictureSvg(picture: LikenessPicture, title: string): string {
  const { background, soft, strong } = picture.colours;
  const shapes = picture.rows.flatMap((row, y) =>
    row.map((tone, x) => {
      if (tone === 1) return `<circle cx="${x + 1.5}" cy="${y + 1.5}" r=".42" fill="${soft}"/>`;
      return tone === 2 ? `<path d="M${x + 1} ${y + 1}h1v1h-1z" fill="${strong}"/>` : '';
    }),
  );
  const label = title.replaceAll(/[^A-Za-z0-9 .-]/g, '');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 12 12" role="img" shape-rendering="geometricPrecision">` +
    `<title>${label}</title><rect width="12" height="12" rx="1" fill="${background}"/>${shapes.join('')}</svg>`
  );
}

const BLOCKS: Readonly<Record<Tone, string>> = { 0: '  ', 1: '░░', 2: '██' };

/** How many colours a terminal shows: none (then tones differ by density), the 256 of xterm, or all of 24 bits. */
export type ColourDepth = 'none' | '256' | 'all';

/** The same picture for a terminal: ten lines of twenty columns. */
export function pictureText(picture: LikenessPicture, depth: ColourDepth): string {
  const { background, soft, strong } = picture.colours;
  const paint: Readonly<Record<Tone, string>> = { 0: background, 1: soft, 2: strong };
  const line = (row: readonly Tone[]): string => row.map((tone) => BLOCKS[tone]).join('');
  const colouredLine = (row: readonly Tone[]): string =>
    `${row.map((tone) => `\u001b[48;${depth === '256' ? nearest(paint[tone]) : exact(paint[tone])}m  `).join('')}\u001b[0m`;
  return picture.rows.map(depth === 'none' ? line : colouredLine).join('\n');
}

function exact(colour: string): string {
  return `2;${channels(colour).join(';')}`;
}

/** Levels of red, green and blue in the cube of colours 16 to 231. Source: xterm, 256colres.pl */
const LEVELS = [0, 95, 135, 175, 215, 255] as const;

function nearest(colour: string): string {
  const [red, green, blue] = channels(colour).map((value) => {
    const distances = LEVELS.map((level) => Math.abs(level - value));
    return distances.indexOf(Math.min(...distances));
  }) as [number, number, number];
  return `5;${16 + 36 * red + 6 * green + blue}`;
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}
