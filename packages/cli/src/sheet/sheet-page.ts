import { formatWords, likenessOf, pictureSvg } from '@ckm/gordian';
import { dateOf } from '../terminal/instant.js';
import { createQr, splitForQr } from './qr.js';
import { FORMATS, type Sheet, sheetLines, type SheetKey, type SheetServer, STEPS } from './sheet.js';

/**
 * The sheet as a page that prints on a few sides: words and pictures as they are compared, QR codes of the lines that
 * `ckm seed restore --sheet` reads. It needs nothing from anywhere: no script, no font, no request.
 */
export async function sheetPage(sheet: Sheet): Promise<string> {
  const date = dateOf(sheet.madeAt);
  const lines = sheetLines(sheet);
  const formats = FORMATS.map(([what, text]) => `<dt>${safe(what)}</dt><dd>${safe(text)}</dd>`).join('');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>CKM recovery sheet ${date}</title>
<style>${STYLE}</style>
<h1>CKM recovery sheet <small>${date}</small></h1>
<p>Nothing on this sheet is secret. Keep it with the 24 words or a share, or elsewhere: alone it opens nothing.</p>
<h2>Servers</h2>
<div class="cards">${sheet.servers.map(serverCard).join('')}</div>
<h2>Keys</h2>
<div class="cards">${sheet.keys.map(keyCard).join('')}</div>
<h2>Formats</h2>
<dl>${formats}</dl>
<h2>To get everything back</h2>
<ol>${STEPS.map((step) => `<li>${safe(step)}</li>`).join('')}</ol>
<h2>For programs</h2>
<div class="machine">${await qrCodes(lines)}<pre>
${safe(lines.join('\n'))}
</pre></div>
</html>
`;
}

/** As many codes as the lines need; each but a single one says which it is. */
async function qrCodes(lines: readonly string[]): Promise<string> {
  const parts = splitForQr(lines);
  const codes = await Promise.all(parts.map((part) => createQr(part, 'svg')));
  const cards = codes.map((code, i) => {
    const which = parts.length === 1 ? '' : `<figcaption>${i + 1} of ${parts.length}</figcaption>`;
    return `<figure>${code}${which}</figure>`;
  });
  const note =
    parts.length === 1 ? '' : '<p>The codes in this order, each on new lines, are these lines:</p>';
  return `<div class="codes">${cards.join('')}</div>${note}`;
}

const STYLE = `
body{font:11pt/1.4 system-ui,sans-serif;max-width:48rem;margin:1rem auto;padding:0 1rem;color:#111;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1rem 0 .3rem}small{font-weight:400}
.cards{display:flex;flex-wrap:wrap;gap:.6rem}.card{display:flex;gap:.6rem;border:1px solid #999;padding:.5rem;break-inside:avoid}
.card svg{width:4.5rem;height:4.5rem;flex:none}.card p{margin:0;overflow-wrap:anywhere}
dt{float:left;clear:left;width:7rem;font-weight:600}dd{margin-left:7.5rem}
pre{font-size:8pt;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
.codes{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;break-inside:avoid;text-align:center}figure svg{width:14rem;height:14rem}
@page{margin:15mm}@media print{body{margin:0;max-width:none}}`;

function serverCard({ name, url, xid }: SheetServer): string {
  return card(xid, [`<b>${safe(name)}</b>`, safe(url)]);
}

function keyCard(key: SheetKey): string {
  const { name, purpose, suite, quorum, servers, transcriptHash, recovery, publicForm } = key;
  const use = `${purpose} (${suite}), any ${quorum}: ${servers.join(', ')}`;
  const form = publicForm === null ? [] : [safe(publicForm.value)];
  const lines = [`<b>${safe(name)}</b>`, safe(use), ...form, safe(`recovery ${recovery}`)];
  return card(transcriptHash, lines);
}

function card(digest: Uint8Array, lines: readonly string[]): string {
  const likeness = likenessOf(digest);
  const words = `${formatWords(likeness)} ${likeness.digest}`;
  const text = [...lines, safe(words)].map((line) => `<p>${line}</p>`).join('');
  return `<div class="card">${pictureSvg(likeness.picture, words)}<div>${text}</div></div>`;
}

function safe(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
