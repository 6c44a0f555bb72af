import type { FastifyReply } from 'fastify';
import { createPubackReader } from '../../src/aws/puback-reader.js';
import { publishFrame } from '../../src/aws/publish-frame.js';
import type { BrokerAddress } from '../broker.js';
import { createHttp, serve } from './http.js';
import { openLeastJournal } from './least-journal.js';
import { leastMessage, type LeastMessage } from './least-message.js';
import { settings } from './process.js';
import { openSessions } from './sessions.js';

// Ceiling (e): the least that the promises need, written by hand for one body: checked, in one form, known again, on the disk before the
// answer, published with QoS 1. No order of a device, no pace, no second attempt, no books, no start with what is on the disk.

interface Settings {
  readonly broker: BrokerAddress;
  /** Where the journal is made. */
  readonly folder: string;
}

interface Waiting {
  readonly message: LeastMessage;
  readonly reply: FastifyReply;
}

/** How long a commit waits for company, ms. */
const gatherMs = 2;

const { broker, folder } = settings<Settings>();
const journal = await openLeastJournal(folder);
// MQTT.js hears nothing of what comes back, so it must not wait for an answer to a ping.
const streams = (await openSessions(broker, { keepalive: 0 })).map(({ stream }) => stream);
/** By packet id, of all sessions: each id is given once until all were given. */
const inFlight = new Map<number, string>();
/** A message is known again as long as the process runs. */
const seen = new Set<string>();
const mostPacketId = 65_535;
let packetId = 0;
let turn = 0;
let waiting: Waiting[] = [];
let settled: string[] = [];
let writing = false;
/** Taken in and not acknowledged yet. */
let pending = 0;

const acknowledged = (packet: number): void => {
  settled.push(inFlight.get(packet) ?? '');
  inFlight.delete(packet);
  pending -= 1;
};

for (const stream of streams) stream.removeAllListeners('data').on('data', createPubackReader({ acknowledged, other: () => undefined }));

/** All of one commit on one session. */
const publish = (messages: readonly Waiting[]): void => {
  turn = (turn + 1) % streams.length;
  const { [turn]: stream } = streams;
  stream?.cork();
  for (const { message } of messages) {
    packetId = (packetId % mostPacketId) + 1;
    inFlight.set(packetId, message.id);
    stream?.write(publishFrame(message, packetId, 4));
  }
  stream?.uncork();
};

const commit = async (): Promise<void> => {
  const [messages, done] = [waiting, settled];
  [waiting, settled] = [[], []];
  await journal.append(messages.map(({ message }) => message), done);
  for (const { reply } of messages) void reply.code(204).send();
  publish(messages);
  writing = false;
  if (waiting.length > 0) begin();
};

const begin = (): void => {
  writing = true;
  setTimeout(() => void commit(), gatherMs);
};

const app = createHttp();
app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, bytes, done) => done(null, bytes));
app.post<{ Body: Buffer }>('/in/:id', (request, reply) => {
  const message = leastMessage(request.body);
  if (seen.has(message.id)) return void reply.code(204).send();
  seen.add(message.id);
  pending += 1;
  waiting.push({ message, reply });
  if (!writing) begin();
});
app.get('/pending', (_request, reply) => void reply.send(String(pending)));
await serve(app);
