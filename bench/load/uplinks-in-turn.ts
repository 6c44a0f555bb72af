import { bodyOf, contentTypeOf } from '../bodies.js';
import { nowMicros } from '../clock.js';
import type { LoadOptions } from '../types.js';

/** Frame counter of the first round of devices, unless it is said. */
export const defaultFirstFrame = 1;

const headOf = ({ url, headers = {}, body }: LoadOptions): string => {
  const { pathname, search, host } = new URL(url);
  const all = { Host: host, 'Content-Type': contentTypeOf(body), ...headers };
  return [`POST ${pathname}${search} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`), 'Content-Length: '].join('\r\n');
};

/** Gives one request after another: devices take turns, and frame counters rise with every round. Each is given twice where that is asked for. */
export const uplinksInTurn = (options: LoadOptions): (() => string) => {
  const { body, devices, twice = false, firstFrame = defaultFirstFrame, firstDevice = 0 } = options;
  const head = headOf(options);
  const copies = twice ? 2 : 1;
  let given = 0;
  let last = '';
  return () => {
    const number = firstDevice + given / copies;
    given += 1;
    if (!Number.isInteger(number)) return last;
    const document = bodyOf(body, { device: number % devices, frame: firstFrame + Math.floor(number / devices), sentMicros: nowMicros() });
    return (last = `${head}${document.length}\r\n\r\n${document}`);
  };
};

/** The next free frame counter after so many requests. */
export const nextFrameAfter = ({ devices, twice = false, firstFrame = defaultFirstFrame, firstDevice = 0 }: LoadOptions, requests: number): number => firstFrame + Math.ceil((firstDevice + requests / (twice ? 2 : 1)) / devices);
