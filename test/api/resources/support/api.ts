import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Test } from 'tap';
import type { Caller } from '../../../../src/api/caller.js';
import { createHttp } from '../../../../src/api/http.js';
import type { AuditEntry, Page, ResourceStore } from '../../../../src/api/ports.js';
import type { Declared } from '../../../../src/api/resources/declared.js';
import type { LiveStatus } from '../../../../src/api/resources/live-status.js';
import { createResources, type Resources } from '../../../../src/api/resources/resources.js';
import { resourceRoutes } from '../../../../src/api/resources/routes/resource-routes.js';
import { registerOpenApi, type OpenApi } from '../../../../src/api/open-api.js';
import { createSecretBox, type SecretBox } from '../../../../src/config/secret-box.js';
import { createLogger } from '../../../../src/log.js';
import { createDocumentCheck, type OpenApiDocument } from '../../support/document-check.js';
import { openStore } from './open-store.js';

export const silent = createLogger('silent');

export const actor: Caller = { who: 'ann', role: 'admin', from: '192.0.2.7' };

export const testKey = Buffer.alloc(32, 7);
export const testBox = createSecretBox({ key: testKey, previousKeys: [] });

export const noneDeclared: Declared = { networkServers: [], connections: [], flows: [] };

/** Nothing runs. */
export const idle: LiveStatus = {
  connection: () => undefined,
  networkServer: () => undefined,
  check: async () => [],
  policy: () => ({ iot: {} }),
  syncThings: async (_id, { apply }) => ({ applied: apply, counts: {}, things: [] }),
  events: async () => ({ entries: [] }),
};

export interface Settings {
  readonly store?: ResourceStore;
  readonly box?: SecretBox;
  readonly declared?: Declared;
  readonly backlog?: (connectionId: string) => { readonly messages: number; readonly bytes: number };
  readonly live?: Partial<LiveStatus>;
  /** Every answer is compared with the OpenAPI document. */
  readonly documented?: boolean;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** A text goes as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface TestApi {
  readonly resources: Resources;
  readonly store: ResourceStore;
  readonly app: FastifyInstance;
  readonly call: (call: Call) => Promise<Answer>;
  /** Of the store. */
  readonly version: () => Promise<number>;
  readonly audits: () => Promise<readonly AuditEntry[]>;
}

const auditsOf = async (store: ResourceStore): Promise<readonly AuditEntry[]> => {
  const page: Page<AuditEntry> = await store.audits({ limit: 200 });
  return page.entries;
};

const buildApp = async (resources: Resources, live: LiveStatus): Promise<{ readonly app: FastifyInstance; readonly document: OpenApi }> => {
  const app = createHttp({ logger: silent });
  const document = registerOpenApi(app);
  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', async (request) => void (request.caller = actor));
  await app.register(resourceRoutes, { resources, live });
  await app.ready();
  return { app, document };
};

/** The routes of the resources over a store, with everybody an administrator. */
export const openApi = async (t: Test, settings: Settings = {}): Promise<TestApi> => {
  const store = settings.store ?? (await openStore(t)).resources;
  const resources = createResources({ store, box: settings.box ?? testBox, declared: settings.declared ?? noneDeclared, backlog: settings.backlog ?? (() => ({ messages: 0, bytes: 0 })), logger: silent });
  await resources.refresh();
  const { app, document: described } = await buildApp(resources, { ...idle, ...settings.live });
  const document = settings.documented === true ? createDocumentCheck((await described.json()) as OpenApiDocument) : undefined;
  t.teardown(async () => {
    resources.close();
    await app.close();
  });
  return {
    resources,
    store,
    app,
    async call({ method = 'GET', path, body, headers = {} }) {
      const payload = body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
      const { statusCode, payload: text, headers: sent } = await app.inject({ method, url: path, headers, ...payload });
      if (document !== undefined) t.strictSame(document.wrongs(method, path, { status: statusCode, text, headers: sent as IncomingHttpHeaders }), [], `${method} ${path} answers as documented`);
      return { status: statusCode, text, headers: sent, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
    },
    version: async () => (await store.read()).version,
    audits: () => auditsOf(store),
  };
};

/** Paths of the wrong fields of a problem answer. */
export const wrongPaths = ({ json }: Answer): string[] => ((json['errors'] ?? []) as readonly { readonly path: string }[]).map(({ path }) => path);
