import type { FastifyReply } from 'fastify';
import type { BrokerAddress } from '../broker.js';
import { createHttp, parseXml, serve, webhookPaths, xmlTypes } from './http.js';
import { settings } from './process.js';
import { openSessions } from './sessions.js';

// Ceiling (b): what a good engineer writes in an afternoon. One publish for each request, answered on its PUBACK; no store, no
// deduplication: an uplink that comes while the broker is away is lost with the request.

interface Document {
  readonly deviceInfo?: { readonly devEui: string };
  readonly end_device_ids?: { readonly dev_eui: string };
  readonly DevEUI_uplink?: { readonly DevEUI: string };
  readonly device?: string;
}

/** The bytes go on as they came: to write the document again as JSON would take 5 µs more. */
interface Body {
  readonly document: Document;
  readonly bytes: Buffer;
}

const deviceOf = ({ deviceInfo, end_device_ids: ids, DevEUI_uplink: uplink, device }: Document): string => deviceInfo?.devEui ?? ids?.dev_eui ?? uplink?.DevEUI ?? device ?? 'unknown';

const clients = await openSessions(settings<BrokerAddress>());
let turn = 0;

const publish = async ({ body }: { readonly body: Body }, reply: FastifyReply): Promise<FastifyReply> => {
  turn = (turn + 1) % clients.length;
  await clients[turn]?.publishAsync(`tpx/things/${deviceOf(body.document)}/uplink`, body.bytes, { qos: 1 });
  return reply.code(204).send();
};

const app = createHttp();
app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, bytes, done) => {
  try {
    done(null, { document: JSON.parse(bytes.toString()) as Document, bytes });
  } catch (error) {
    done(error as Error);
  }
});
app.addContentTypeParser<Buffer>(xmlTypes, { parseAs: 'buffer' }, (_request, bytes, done) => done(null, { document: parseXml(bytes.toString()), bytes }));
for (const path of webhookPaths) app.post<{ Body: Body }>(path, publish);
await serve(app);
