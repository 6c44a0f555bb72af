import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Registry } from 'prom-client';
import type { Test } from 'tap';
import type { BridgePorts } from '../../../src/api/bridge-ports.js';
import type { Role } from '../../../src/api/ports.js';
import { createPrivateListener, type PrivateListenerOptions } from '../../../src/api/private-listener.js';
import { issueToken } from '../../../src/api/tokens.js';
import { BridgeError, type Reason } from '../../../src/errors.js';
import type { NoteEvent } from '../../../src/messages/bridge-event.js';
import { createLogger } from '../../../src/log.js';
import { deadlineIn } from '../../../src/lifecycle.js';
import { openLocalDownlinks } from '../../../src/store/local/downlinks/local-downlinks.js';
import type { LocalOutbox } from '../../../src/store/local/local-outbox.js';
import { openLocalResources } from '../../../src/store/local/resources/local-resources.js';
import { openTokenFile } from '../../../src/store/local/tokens.js';
import type { ParkedRecord } from '../../../src/uplink/ports.js';
import { openOutbox } from '../../store/local/open-outbox.js';
import { recordOf } from '../../support/records.js';
import { jsonOf, send, type Answer, type Call } from './call.js';
import { createDocumentCheck, type OpenApiDocument } from './document-check.js';
import { createTestPost } from './post-downlink.js';

export const exampleDevice = '70b3d5e75e00a1b2';
export const exampleDownlink = '0123456789abcdef0123456789abcdef';

/** A private listener over real stores, and whoever calls it. */
export interface TestApi {
  readonly url: string;
  readonly tokens: Readonly<Record<Role, string>>;
  readonly outbox: LocalOutbox;
  readonly store: Awaited<ReturnType<typeof openDownlinks>>;
  readonly bridge: BridgePorts;
  readonly document: OpenApiDocument;
  stop(): Promise<void>;
  /** All log lines so far. */
  log(): string;
  /** Sends a request and fails the test where the answer is not as the document says. `as`: with the token of this role. */
  call(call: Call & { readonly as?: Role }): Promise<Answer>;
  get(path: string): Promise<Record<string, unknown>>;
  /** Parks a message of the example device; resolves with its id. */
  park(message: { readonly payload?: Buffer; readonly reason?: Reason; readonly deviceId?: string; readonly connectionId?: string }): Promise<string>;
  readonly note: NoteEvent;
}

type Overrides = Partial<Omit<PrivateListenerOptions, 'bridge'>> & { readonly bridge?: Partial<BridgePorts> };

const openDownlinks = async (t: Test, dataDir: string) => {
  const store = await openLocalDownlinks({ dataDir, ratePerSecond: () => 100, reportWindowMs: 86_400_000, logger: createLogger('silent') });
  t.teardown(() => store.close(deadlineIn(5_000)));
  return store;
};

const openResources = async (t: Test, dataDir: string) => {
  const stores = await openLocalResources({ dataDir, logger: createLogger('silent') });
  const tokens = openTokenFile({ dataDir });
  t.teardown(async () => {
    await stores.events.close();
    await stores.resources.close();
    await tokens.close();
  });
  return { ...stores, tokens };
};

/** Puts parked messages back as they are; those of the connection `gone` stay. */
const createTestReplay =
  (outbox: LocalOutbox): BridgePorts['parked']['replay'] =>
  async (seqs) => {
    const found = await outbox.parkedAt(seqs);
    const kept = (record: ParkedRecord): boolean => record.connectionId === 'gone';
    const records = await outbox.replay(found.filter((record) => !kept(record)).map((parked) => ({ parked, record: { ...parked, acceptedAt: Date.now() } })));
    return { replayed: records.length, refused: found.filter(kept).map(({ seq }) => ({ seq, reason: 'no_connection' as const, detail: 'the connection gone does not exist' })) };
  };

const logTo = (lines: string[]) =>
  createLogger('debug', new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  }));

/** Opens the private API on a free port; everything closes with the test. */
export const openApi = async (t: Test, { bridge: changes = {}, ...overrides }: Overrides = {}): Promise<TestApi> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'private-api-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const outbox = await openOutbox(t, dataDir);
  const store = await openDownlinks(t, dataDir);
  const { resources, events, tokens } = await openResources(t, dataDir);
  const lines: string[] = [];
  const clear = async (deviceId: string): Promise<number> => {
    const notices = await store.queue.clear(deviceId);
    await store.queue.forget(notices);
    return notices.length;
  };
  const bridge: BridgePorts = {
    postDownlink: createTestPost(store),
    downlinkLife: (id) => store.lives.find(id),
    devices: store.devices,
    things: store.things,
    waiting: (id) => store.queue.waiting(id),
    clearDownlinks: clear,
    parked: { parked: (filter, page) => outbox.parked(filter, page), parkedAt: (seqs) => outbox.parkedAt(seqs), discard: (seqs) => outbox.discard(seqs), replay: createTestReplay(outbox) },
    events,
    audit: resources,
    tokens,
    ...changes,
  };
  const held = { read: '', operate: '', admin: '' };
  for (const role of ['read', 'operate', 'admin'] as const) {
    const { token, stored } = issueToken({ name: `test ${role}`, role });
    held[role] = token;
    await tokens.add(stored);
  }
  const listener = createPrivateListener({
    host: '127.0.0.1',
    port: 0,
    registry: new Registry(),
    notReady: () => undefined,
    health: () => ({ status: 'ok', problems: [] }),
    authenticate: 'auto',
    openPaths: ['health', 'metrics'],
    bridge,
    plugins: [],
    logger: logTo(lines),
    ...overrides,
  });
  t.teardown(() => listener.stop());
  await listener.start();
  const { url } = listener;
  const document = jsonOf(await send(url, { path: '/openapi.json', token: held.admin })) as unknown as OpenApiDocument;
  const check = createDocumentCheck(document);

  const call: TestApi['call'] = async ({ as, ...wanted }) => {
    const answer = await send(url, { ...wanted, ...(as === undefined ? {} : { token: held[as] }) });
    t.strictSame(check.wrongs(wanted.method ?? 'GET', wanted.path, answer), [], `${wanted.method ?? 'GET'} ${wanted.path} answers ${answer.status} as documented`);
    return answer;
  };

  return {
    url,
    tokens: held,
    outbox,
    store,
    bridge,
    document,
    stop: () => listener.stop(),
    log: () => lines.join(''),
    call,
    async get(path) {
      const answer = await call({ path });
      t.equal(answer.status, 200, `GET ${path}`);
      return jsonOf(answer);
    },
    async park({ payload = Buffer.from('{"a":1}'), reason = 'topic_unresolved', deviceId = exampleDevice, connectionId = 'main' }) {
      const messageId = randomBytes(16);
      const record = recordOf(0, deviceId, { payload, connectionId, messageId: messageId.toString('hex') });
      await outbox.append([{ dedupKey: messageId, eventTimeMs: 0, records: [{ record, park: { reason, detail: 'the pattern has no value' } }] }]);
      let last = -1;
      for (let page = await outbox.parked({}, { after: last, limit: 100 }); page.length > 0; page = await outbox.parked({}, { after: last, limit: 100 })) last = page.at(-1)?.seq ?? last;
      return String(last);
    },
    note: (event) => events.note(event),
  };
};

/** What every kind of route has something to say about. */
export const fill = async (api: TestApi): Promise<void> => {
  const { devices, things, lives } = api.store;
  devices.heard({ deviceId: exampleDevice, networkServerId: 'factory', connectionIds: ['main'], address: {} }, { lastSeenAt: 1_700_000_000_000, fCnt: 42 });
  things.put({ connectionId: 'main', deviceId: exampleDevice, thingName: '70B3D5E75E00A1B2', state: 'ready', since: 1_700_000_000_000 });
  lives.note({ downlinkId: exampleDownlink, connectionId: 'main', deviceId: exampleDevice, networkServerId: 'factory', correlationId: 'valve-17' }, { state: 'queued', time: 1_700_000_000_000, attempt: 0 });
  lives.note({ downlinkId: exampleDownlink, connectionId: 'main', deviceId: exampleDevice }, { state: 'failed', time: 1_700_000_001_000, attempt: 1, cause: { code: 'no_ack', text: 'no acknowledgement' } });
  for (let count = 0; count < 9; count += 1) await api.park({});
  api.note({ subject: { kind: 'connection', id: 'main' }, time: 1_700_000_000_000, level: 'info', text: 'state OPENED' });
};

export const unavailable = (): never => {
  throw new BridgeError('store_unavailable');
};
