import type { Measured, Percentiles } from '../types.js';

const size = { width: 780, height: 420, left: 64, right: 210, top: 28, bottom: 52 };
const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom };
const percentileStyles: Readonly<Record<'p50' | 'p99' | 'p999', { readonly name: string; readonly dash: string }>> = {
  p50: { name: 'p50', dash: '' },
  p99: { name: 'p99', dash: '6 4' },
  p999: { name: 'p99.9', dash: '2 3' },
};
/** Blue and orange are told apart by everybody; the dashes tell the percentiles without colour. */
const sides = [
  { name: 'webhook → 2xx', colour: '#1f6fb4', of: ({ acceptMs }: Measured) => acceptMs },
  { name: 'webhook → broker', colour: '#d9660d', of: ({ arriveMs }: Measured) => arriveMs },
] as const;

interface Scale {
  readonly x: (perSecond: number) => number;
  readonly y: (ms: number) => number;
  /** Whole powers of ten, ms. */
  readonly decades: readonly number[];
  readonly rates: readonly number[];
}

const round = (value: number): number => Math.round(value * 10) / 10;

const told = (of: Percentiles | undefined): readonly number[] => (of === undefined ? [] : [of.p50, of.p99, of.p999].filter((ms) => ms > 0));

/** Times on a logarithmic scale, because a p99.9 is many times a p50; rates on a linear one. */
const scaleOf = (points: readonly Measured[]): Scale => {
  const times = points.flatMap(({ acceptMs, arriveMs }) => [...told(acceptMs), ...told(arriveMs)]);
  const low = Math.floor(Math.log10(Math.min(...times)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...times))));
  const step = 1_000;
  const most = Math.max(step, Math.ceil(Math.max(...points.map(({ perSecond }) => perSecond)) / step) * step);
  return {
    x: (perSecond) => round(size.left + (perSecond / most) * inner.width),
    y: (ms) => round(size.top + ((high - Math.log10(ms)) / (high - low)) * inner.height),
    decades: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    rates: Array.from({ length: most / step + 1 }, (_, index) => index * step),
  };
};

const text = (x: number, y: number, words: string, more = ''): string => `<text x="${x}" y="${y}"${more}>${words}</text>`;

const axes = ({ x, y, decades, rates }: Scale): readonly string[] => [
  ...decades.map((ms) => `<path d="M${size.left} ${y(ms)}h${inner.width}" class="grid"/>${text(size.left - 8, y(ms) + 4, Number(ms.toPrecision(1)).toLocaleString('en'), ' text-anchor="end"')}`),
  ...rates.map((rate) => `<path d="M${x(rate)} ${size.top}v${inner.height}" class="grid"/>${text(x(rate), size.top + inner.height + 18, rate.toLocaleString('en'), ' text-anchor="middle"')}`),
  text(size.left + inner.width / 2, size.height - 12, 'uplinks a second', ' text-anchor="middle"'),
  text(14, size.top - 10, 'ms'),
];

type Style = keyof typeof percentileStyles;

const dashed = (dash: string): string => (dash === '' ? '' : ` stroke-dasharray="${dash}"`);

const curve = (points: readonly Measured[], { x, y }: Scale, { side, style }: { readonly side: (typeof sides)[number]; readonly style: Style }): string => {
  const places = points.flatMap((point) => {
    const ms = side.of(point)?.[style];
    return ms === undefined || !(ms > 0) ? [] : [`${x(point.perSecond)} ${y(ms)}`];
  });
  const dots = places.map((place) => `<circle cx="${place.replace(' ', '" cy="')}" r="2.5" fill="${side.colour}"/>`).join('');
  return places.length === 0 ? '' : `<path d="M${places.join('L')}" fill="none" stroke="${side.colour}" stroke-width="1.8"${dashed(percentileStyles[style].dash)}/>${dots}`;
};

const combinations = sides.flatMap((side) => (Object.keys(percentileStyles) as Style[]).map((style) => ({ side, style })));

const legend = (): readonly string[] =>
  combinations.map(({ side, style }, index) => {
    const [left, top] = [size.width - size.right + 14, size.top + 14 + index * 22];
    return `<path d="M${left} ${top}h28" stroke="${side.colour}" stroke-width="1.8"${dashed(percentileStyles[style].dash)}/>${text(left + 34, top + 4, `${side.name}, ${percentileStyles[style].name}`)}`;
  });

/** Latency over the load as an SVG; undefined with fewer than two points. */
export const latencyPlot = (points: readonly Measured[]): string | undefined => {
  // Where a rate was not held, what was reached counts, and may be less than at a lower one.
  const usable = points.filter(({ acceptMs, arriveMs }) => told(acceptMs).length > 0 || told(arriveMs).length > 0).sort((one, other) => one.perSecond - other.perSecond);
  if (usable.length < 2) return undefined;
  const scale = scaleOf(usable);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="Latency over the load">`,
    '<style>text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd;stroke-width:1}</style>',
    `<rect width="${size.width}" height="${size.height}" fill="#fff"/>`,
    ...axes(scale), ...combinations.map((combination) => curve(usable, scale, combination)), ...legend(),
    '</svg>', '',
  ].join('\n');
};
