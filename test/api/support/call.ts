import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text goes as it is, anything else as JSON. */
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const bodyOf = (body: unknown): string | undefined => (body === undefined || typeof body === 'string' ? body : JSON.stringify(body));

/** One request over a connection of its own, with any header: fetch would not let a test set Host. */
export const send = (url: string, { method = 'GET', path, token, headers = {}, body }: Call): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = bodyOf(body);
    const open = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = open(`${url}${path}`, {
      method,
      rejectUnauthorized: false,
      agent: false,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }));
    });
    request.end(text);
  });

/** The body of an answer as JSON. */
export const jsonOf = (answer: Answer): Record<string, unknown> => JSON.parse(answer.text) as Record<string, unknown>;
