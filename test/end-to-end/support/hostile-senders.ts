import { openRaw, type RawConnection } from './hostile-socket.js';

const head = 'POST /in/chirpstack?event=up HTTP/1.1\r\nhost: x\r\n';
const json = 'content-type: application/json\r\n';

/** How far each gets before it becomes slow, and what it goes on with; nothing at all is one way too. */
const ways: readonly (readonly [start: string, more: string])[] = [
  ['', ''],
  ['POST /in/chi', 'r'],
  [`${head}x: `, 'a'],
  [`${head}${json}content-length: 100000\r\n\r\n{`, ' '],
  [`${head}${json}transfer-encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
];

/** One character a second, so that the sender is never idle. */
const drip = ({ socket }: RawConnection, more: string): void => {
  let at = 0;
  const timer = setInterval(() => socket.write(more[at++ % more.length] ?? ''), 1_000);
  socket.once('close', () => clearInterval(timer));
};

export interface SlowSender extends RawConnection {
  /** Resolves when the bridge closed the connection. @throws after the time */
  ended(timeoutMs: number): Promise<void>;
}

/** Senders that hold a connection with a request that never becomes whole ("slow loris"). */
export const startSlowSenders = (url: string, count: number): readonly SlowSender[] =>
  Array.from({ length: count }, (_, index) => {
    const raw = openRaw(url);
    const [start, more] = ways[index % ways.length] ?? ['', ''];
    if (start !== '') {
      raw.socket.write(start);
      drip(raw, more);
    }
    return { ...raw, ended: (timeoutMs) => raw.settled(Number.POSITIVE_INFINITY, timeoutMs) };
  });
