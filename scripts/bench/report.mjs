// What a bench run leaves behind: lines of JSON, a table and a plot.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/**
 * One measured figure. `goal` compares `ratio` (how many times better than the peer, in the direction that matters)
 * or `ours`, as `goalOf` says; without a goal it is shown only.
 */
export function figure({ name, ours, unit, peer, peerValue, ratio, goal, met }) {
  return {
    name,
    ours: round(ours),
    unit,
    peer,
    peerValue: round(peerValue),
    ratio: round(ratio),
    goal: goal ?? null,
    met: met ?? null,
  };
}

function round(value) {
  if (value === null || value === undefined) return null;
  return Number(value.toPrecision(4));
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Milliseconds of one call: the median of `rounds` timings after a warm-up. */
export function timeMs(rounds, call) {
  for (let i = 0; i < Math.min(3, rounds); i++) call();
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const started = process.hrtime.bigint();
    call();
    times.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  return median(times);
}

/** Milliseconds of two rivals, measured in turns so that whatever disturbs one disturbs the other. */
export function rivalsMs(rounds, ours, theirs) {
  const times = [[], []];
  ours();
  theirs();
  for (let i = 0; i < rounds; i++) {
    for (const [who, call] of [ours, theirs].entries()) {
      const started = process.hrtime.bigint();
      call();
      times[who].push(Number(process.hrtime.bigint() - started) / 1e6);
    }
  }
  return times.map(median);
}

export function writeReport(root, figures) {
  const folder = join(root, 'docs/benchmarks');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'README.md'), markdown(figures));
  writeFileSync(join(folder, 'ratios.svg'), ratiosPlot(figures));
  const scaling = figures.filter(({ quorum }) => quorum !== undefined);
  if (scaling.length > 1) writeFileSync(join(folder, 'scaling.svg'), scalingPlot(scaling));
}

function markdown(figures) {
  const rows = figures.map(
    ({ name, ours, unit, peer, peerValue, ratio, goal, met }) =>
      `| ${name} | ${ours} ${unit} | ${peer} | ${peerValue} ${unit} | ${ratio === null ? '–' : `${ratio}×`} | ${goal ?? '–'} | ${met === null ? '–' : met ? 'yes' : '**no**'} |`,
  );
  return `# Benchmarks

Written by \`npm run bench\`; \`npm run --silent bench -- --json\` prints one JSON object a line. Every figure stands beside a peer measured in the same run on the same machine, because only
the ratio means anything elsewhere. This run: Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}.

| what | ours | peer | peer's | ratio | goal | met |
|---|---|---|---|---|---|---|
${rows.join('\n')}

![ratio to the peer](ratios.svg)

![cost of one signature share, by quorum](scaling.svg)
`;
}

const STYLE =
  'text{font:13px system-ui,sans-serif;fill:#222}.q{fill:#666}.b{fill:#2b6cb0}.m{fill:#c05621}.a{stroke:#999}.g{stroke:#e2e2e2}' +
  '@media(prefers-color-scheme:dark){text{fill:#ddd}.q{fill:#aaa}.a{stroke:#777}.g{stroke:#333}}';

function escape(text) {
  return String(text).replace(
    /[&<>"]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c],
  );
}

/** Horizontal bars on a logarithmic scale, with each goal as a mark. */
function ratiosPlot(figures) {
  const shown = figures.filter(({ ratio }) => ratio !== null && ratio > 0);
  const width = 900;
  const left = 380;
  const rowHeight = 26;
  const height = 40 + shown.length * rowHeight;
  const most = Math.max(10, ...shown.map(({ ratio }) => ratio));
  const least = Math.min(1, ...shown.map(({ ratio }) => ratio));
  const x = (value) =>
    left +
    ((Math.log10(value) - Math.log10(least)) / (Math.log10(most) - Math.log10(least))) * (width - left - 90);
  const bars = shown.map(({ name, ratio, goalRatio, met }, i) => {
    const y = 30 + i * rowHeight;
    const from = Math.min(x(1), x(ratio));
    const goal =
      goalRatio === undefined
        ? ''
        : `<line class="a" x1="${x(goalRatio)}" x2="${x(goalRatio)}" y1="${y - 3}" y2="${y + 19}" stroke-width="2"/>`;
    return `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escape(name)}</text><rect class="${met === false ? 'm' : 'b'}" x="${from}" y="${y}" width="${Math.max(1, Math.abs(x(ratio) - x(1)))}" height="16"/>${goal}<text x="${Math.max(x(ratio), x(1)) + 6}" y="${y + 13}">${ratio}×</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"><title>How many times better than the peer, logarithmic; a mark is a goal</title><style>${STYLE}</style><text class="q" x="8" y="18">times better than the peer (logarithmic; a mark is a goal)</text><line class="a" x1="${x(1)}" x2="${x(1)}" y1="26" y2="${height - 6}"/>${bars.join('')}</svg>\n`;
}

/** Lines over the size of the quorum, one for each series. */
function scalingPlot(figures) {
  const width = 760;
  const height = 340;
  const series = [...new Set(figures.map(({ series }) => series))];
  const mostX = Math.max(...figures.map(({ quorum }) => quorum));
  const mostY = Math.max(...figures.map(({ ours }) => ours));
  const x = (value) => 60 + (value / mostX) * (width - 220);
  const y = (value) => height - 45 - (value / mostY) * (height - 90);
  const colours = ['#2b6cb0', '#c05621', '#2f855a', '#6b46c1'];
  const lines = series.map((name, i) => {
    const points = figures.filter((f) => f.series === name).sort((a, b) => a.quorum - b.quorum);
    const last = points.at(-1);
    const dots = points
      .map((p) => `<circle cx="${x(p.quorum)}" cy="${y(p.ours)}" r="3.5" fill="${colours[i % 4]}"/>`)
      .join('');
    return `<polyline fill="none" stroke="${colours[i % 4]}" stroke-width="2" points="${points.map((p) => `${x(p.quorum)},${y(p.ours)}`).join(' ')}"/>${dots}<text x="${x(last.quorum) + 10}" y="${y(last.ours) + 4}">${escape(name)}</text>`;
  });
  const ticks = [...new Set(figures.map(({ quorum }) => quorum))].map(
    (q) => `<text class="q" x="${x(q)}" y="${height - 24}" text-anchor="middle">${q}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"><title>Milliseconds for one signature share, by number of signers</title><style>${STYLE}</style><text class="q" x="8" y="18">ms for one signature share, by number of signers</text><line class="a" x1="60" y1="${height - 45}" x2="${width - 150}" y2="${height - 45}"/><line class="a" x1="60" y1="30" x2="60" y2="${height - 45}"/><text class="q" x="54" y="${y(mostY) + 4}" text-anchor="end">${mostY}</text><text class="q" x="54" y="${height - 45}" text-anchor="end">0</text>${ticks.join('')}${lines.join('')}</svg>\n`;
}
