import { messageOf } from '../errors.js';
import { timeLimit } from '../lifecycle.js';
import { countOption, defineCommand, parseArguments, UsageError } from './arguments.js';
import { readCapturedRequest, type CapturedRequest } from './captured-request.js';
import type { Io } from './command.js';

const options = {
  url: { type: 'string' },
  header: { type: 'string', multiple: true },
  'content-type': { type: 'string' },
  query: { type: 'string' },
  repeat: { type: 'string', default: '1' },
  concurrency: { type: 'string', default: '1' },
} as const;

interface Settings {
  readonly files: readonly string[];
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  readonly query: string;
  readonly repeat: number;
  readonly concurrency: number;
}

const headerOf = (text: string): [string, string] => {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new UsageError('--header must be "name: value"');
  return [name.toLowerCase(), value];
};

const readArguments = (args: readonly string[]): Settings => {
  const { values, positionals } = parseArguments(args, options, true);
  if (positionals.length === 0) throw new UsageError('give at least one FILE');
  if (values.url === undefined || !/^https?:/.test(values.url) || !URL.canParse(values.url)) throw new UsageError('--url must be the address of a webhook, such as http://127.0.0.1:8080/in/factory');
  return {
    files: positionals,
    url: new URL(values.url),
    headers: Object.fromEntries((values.header ?? []).map(headerOf)),
    contentType: values['content-type'],
    query: (values.query ?? '').replace(/^\?/, ''),
    repeat: countOption('repeat', values.repeat, 1_000_000),
    concurrency: countOption('concurrency', values.concurrency, 1_000),
  };
};

const addressOf = ({ url, query }: Settings, request: CapturedRequest): URL => {
  const address = new URL(url);
  if (request.path !== '') address.pathname = `${address.pathname.replace(/\/$/, '')}/${request.path.replace(/^\//, '')}`;
  address.search = [address.search.slice(1), request.query, query].filter((part) => part !== '').join('&');
  return address;
};

/** The bridge answers within seconds or not at all. */
const answerTimeoutMs = 30_000;

const textAt = (answer: unknown, key: string): string => {
  const value = typeof answer === 'object' && answer !== null ? (answer as Readonly<Record<string, unknown>>)[key] : undefined;
  return typeof value === 'string' ? value : '';
};

/** What an answer says: reason and detail of a problem document (RFC 9457), else nothing. */
const reasonOf = async (response: Response): Promise<string> => {
  const text = await response.text();
  if (!(response.headers.get('content-type') ?? '').includes('json')) return '';
  try {
    const answer: unknown = JSON.parse(text);
    return [textAt(answer, 'reason'), textAt(answer, 'detail') || textAt(answer, 'title')].filter((part) => part !== '').join(': ');
  } catch {
    return '';
  }
};

interface Answer {
  readonly ok: boolean;
  /** `204`, `400 invalid_field: DevEUI: is required`, or why there is none. */
  readonly text: string;
}

const send = async (settings: Settings, request: CapturedRequest, signal: AbortSignal): Promise<Answer> => {
  const limit = timeLimit(signal, answerTimeoutMs);
  try {
    const response = await fetch(addressOf(settings, request), {
      method: request.method,
      headers: { ...request.headers, ...settings.headers },
      signal: limit.signal,
      ...(request.body === undefined || request.method === 'GET' ? {} : { body: request.body }),
    });
    return { ok: response.ok, text: [String(response.status), await reasonOf(response)].join(' ').trim() };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { ok: false, text: `no answer: ${messageOf(cause) || ((cause as NodeJS.ErrnoException).code ?? 'unknown error')}` };
  } finally {
    limit.end();
  }
};

/** Runs `task` for 0 … count - 1, at most `width` at a time, until the signal ends it. */
const runMany = async (count: number, width: number, task: (index: number) => Promise<void>, signal: AbortSignal): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && !signal.aborted) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker));
};

const countAnswers = (answers: readonly Answer[]): string => {
  const counts = new Map<string, number>();
  for (const { text } of answers) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`)).join(', ');
};

const replay = async (settings: Settings, io: Io): Promise<number> => {
  const requests = settings.files.map((file) => readCapturedRequest(file, settings.contentType));
  const answers = requests.map((): Answer[] => []);
  // Round by round, so that the files keep their order.
  await runMany(
    requests.length * settings.repeat,
    settings.concurrency,
    async (index) => {
      const at = index % requests.length;
      const request = requests[at];
      if (request !== undefined) answers[at]?.push(await send(settings, request, io.signal));
    },
    io.signal,
  );
  settings.files.forEach((file, at) => io.stdout.write(`${file}: ${countAnswers(answers[at] ?? []) || 'not sent'}\n`));
  return answers.every((list) => list.length === settings.repeat && list.every(({ ok }) => ok)) ? 0 : 1;
};

export const replayCommand = defineCommand({
  name: 'replay',
  usage: "replay FILE... --url http://127.0.0.1:8080/in/ID [--header 'name: value']... [--content-type T] [--query Q] [--repeat N] [--concurrency N]",
  summary: 'Posts captured webhooks to a running bridge and prints its answers; exit code 1 when one was not 2xx.',
  async run(args, io) {
    const settings = readArguments(args);
    try {
      return await replay(settings, io);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      io.stderr.write(`${messageOf(error)}\n`);
      return 1;
    }
  },
});
