import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Status of an answer; undefined when the connection broke before it came. */
export type Answered = (status: number | undefined) => void;

/** One connection that carries one request after another. */
export interface Lane {
  /** Only when the request before is answered. */
  post(request: string, answered: Answered): void;
}

const endOfHead = '\r\n\r\n';

/** Status of the whole answer at the beginning of `text`, or undefined when not all of it is there. @throws Error for a body of unknown length */
const readAnswer = (text: string): number | undefined => {
  const end = text.indexOf(endOfHead);
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const status = Number(head.slice(9, 12));
  const length = status === 204 ? '0' : /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`the answer has no length: ${head}`);
  return text.length < end + endOfHead.length + Number(length) ? undefined : status;
};

/** Connects, and again for the next request after the connection broke. */
export const openLane = async (url: URL): Promise<Lane> => {
  let answered: Answered | undefined;
  let text = '';
  const settle = (status: number | undefined): void => {
    const waiting = answered;
    answered = undefined;
    text = '';
    waiting?.(status);
  };
  const open = (): Socket => {
    const opened = connect({ host: url.hostname, port: Number(url.port), noDelay: true }).setEncoding('latin1');
    opened.on('error', () => opened.destroy());
    opened.on('close', () => {
      if (opened === socket) settle(undefined);
    });
    opened.on('data', (chunk: string) => {
      text += chunk;
      const status = readAnswer(text);
      if (status !== undefined) settle(status);
    });
    return opened;
  };
  let socket = open();
  await once(socket, 'connect');
  return {
    post(request, told) {
      answered = told;
      if (socket.destroyed) socket = open();
      socket.write(request, 'latin1');
    },
  };
};
