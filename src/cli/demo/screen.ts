import { styleText } from 'node:util';

/** What the demo shows; colours on a terminal only. */
export interface Screen {
  heading(text: string): void;
  line(text: string): void;
  posted(title: string, path: string, status: number): void;
  received(topic: string, payload: string): void;
  sent(topic: string, payload: string): void;
  good(text: string): void;
  bad(text: string): void;
}

type Style = Parameters<typeof styleText>[0];

const isTerminal = (stream: NodeJS.WritableStream): boolean => 'isTTY' in stream && stream.isTTY === true && process.env['NO_COLOR'] === undefined;

/** JSON set in lines a person can read, other payloads as they are. */
const readable = (payload: string): string => {
  try {
    return JSON.stringify(JSON.parse(payload), undefined, 2).replace(/\n/g, '\n      ');
  } catch {
    return payload;
  }
};

export const createScreen = (stdout: NodeJS.WritableStream): Screen => {
  const coloured = isTerminal(stdout);
  const paint = (style: Style, text: string): string => (coloured ? styleText(style, text) : text);
  const write = (text: string): void => void stdout.write(`${text}\n`);
  return {
    heading: (text) => write(`\n${paint('bold', text)}`),
    line: (text) => write(`  ${text}`),
    posted: (title, path, status) => write(`\n  ${paint('cyan', '→')} ${title}\n    POST /in/${path.split('?')[0]}  ${paint(status < 300 ? 'green' : 'red', String(status))}`),
    sent: (topic, payload) => write(`\n  ${paint('cyan', '→')} AWS publishes ${paint('bold', topic)}\n      ${paint('dim', payload)}`),
    received: (topic, payload) => write(`  ${paint('magenta', '←')} AWS received ${paint('bold', topic)}\n      ${paint('dim', readable(payload))}`),
    good: (text) => write(`  ${paint('green', '✔')} ${text}`),
    bad: (text) => write(`  ${paint('red', '✘')} ${text}`),
  };
};
