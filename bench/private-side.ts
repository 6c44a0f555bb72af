/** The private listeners of a bridge, one for each of its workers. */
export interface PrivateSide {
  /** Of the first one. */
  readonly url: string;
  readonly isReady: () => Promise<boolean>;
  /** Every connection has a session with the broker. */
  readonly allOpen: () => Promise<boolean>;
  /** The value of a series, or of a name alone the sum of its series, added up over all; NaN when there is none. */
  readonly metric: (series: string) => Promise<number>;
  /** Messages that are accepted and not settled yet. */
  readonly pending: () => Promise<number>;
}

const linesOf = async (url: string): Promise<readonly string[]> => (await (await fetch(`${url}/metrics`)).text()).split('\n');

const valueOf = (line: string): number => Number(line.slice(line.lastIndexOf(' ') + 1));

const valuesIn = (lines: readonly string[], series: string): readonly number[] => {
  const starts = series.includes('{') ? [`${series} `] : [`${series} `, `${series}{`];
  return lines.filter((line) => starts.some((start) => line.startsWith(start))).map(valueOf);
};

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/ready`).then(async (answer) => {
    await answer.arrayBuffer();
    return answer.status === 200;
  }, () => false);

const sessions = 'lpwan_bridge_sessions_open';

/** Connections whose first session is not there yet have the value 0. */
const allOpen = async (url: string): Promise<boolean> => {
  const open = valuesIn(await linesOf(url), sessions);
  return open.length > 0 && open.every((count) => count > 0);
};

const every = async (urls: readonly string[], isSo: (url: string) => Promise<boolean>): Promise<boolean> => (await Promise.all(urls.map(isSo))).every(Boolean);

/** Those on loopback at these ports, in the order of the workers. */
export const createPrivateSide = (ports: readonly number[]): PrivateSide => {
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const metric = async (series: string): Promise<number> => {
    const values = (await Promise.all(urls.map(linesOf))).flatMap((lines) => valuesIn(lines, series));
    return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
  };
  return {
    url: urls[0] ?? '',
    isReady: () => every(urls, isReady),
    allOpen: () => every(urls, allOpen),
    metric,
    pending: () => metric('lpwan_bridge_outbox_pending_messages'),
  };
};
