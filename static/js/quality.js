// The last ten minutes of each connection: three small plots a person, each with its newest figure; the words say the same.

import { t } from './i18n.js';
import { el, svg } from './markup.js';

/** @typedef {[number, number, number | null, number | null]} Sample at µs, lost %, round trip ms, sent bit/s */
/** @typedef {{samples: Sample[], text: string}} Quality */
/** @typedef {{now_us: number, span_us: number, step_us: number, people: Record<string, Quality>}} History */

const WIDTH = 96;
const HEIGHT = 22;
const ASK_MS = 10_000;

/** What each plot shows at least, so that noise does not look like trouble: %, ms, bit/s. */
const LEAST = [5, 200, 500_000];

/**
 * The area under the samples; where one is missing the area is broken. Pure.
 * @param {Sample[]} samples @param {1 | 2 | 3} figure @param {History} history
 */
export function area(samples, figure, { now_us, span_us, step_us }) {
  const most = Math.max(LEAST[figure - 1] ?? 1, ...samples.map((sample) => sample[figure] ?? 0));
  const x = (/** @type {number} */ us) => Math.max(0, Math.min(WIDTH, ((us - now_us + span_us) / span_us) * WIDTH)).toFixed(1);
  let path = '';
  for (const sample of samples) {
    const value = sample[figure];
    if (value === null) continue;
    const y = (HEIGHT - Math.max(1, (value / most) * (HEIGHT - 2))).toFixed(1);
    path += `M${x(sample[0])} ${HEIGHT}V${y}H${x(sample[0] + step_us)}V${HEIGHT}Z`;
  }
  return path;
}

/**
 * @param {Quality | undefined} quality
 * @param {History | undefined} history
 */
export function qualityPlots(quality, history) {
  if (!quality || !history) return null;
  const last = quality.samples[quality.samples.length - 1];
  if (!last) return null;
  const figures = /** @type {const} */ ([
    [1, t('Lost'), `${last[1].toFixed(1)} %`],
    [2, t('Round trip'), last[2] === null ? '–' : `${Math.round(last[2])} ms`],
    [3, t('Sent'), last[3] === null ? '–' : `${Math.round(last[3] / 1000)} kbit/s`],
  ]);
  return el('div', { class: 'person-quality', title: quality.text },
    el('span', { class: 'visually-hidden' }, quality.text),
    ...figures.map(([figure, name, value]) => el('span', { class: 'quality-plot', 'aria-hidden': 'true' },
      el('span', { class: 'quality-name' }, name),
      svg('svg', { class: `quality-area quality-area-${figure}`, width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` },
        svg('path', { d: area(quality.samples, figure, history) }), svg('line', { x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 })),
      el('b', { class: 'figures' }, value))));
}

/** Asks for the history now and then, while the page is looked at. @param {string} url @param {(history: History) => void} take */
export function followQuality(url, take) {
  const ask = async () => {
    if (document.hidden) return;
    const response = await fetch(url, { headers: { Accept: 'application/json' } }).catch(() => null);
    if (response?.ok) take(await response.json());
  };
  document.addEventListener('visibilitychange', () => void ask());
  setInterval(() => void ask(), ASK_MS);
  void ask();
}
