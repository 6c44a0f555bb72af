import { createBooks, type Books } from './books.js';
import type { SandboxLimits } from './limits.js';
import { createMisbehaviourRules, type MisbehaviourRules } from './misbehaviour.js';
import type { CloseReason } from './reason-code.js';
import { createRegistry, type Registry } from './registry.js';
import { createRouter, type Router } from './router.js';
import { createSessionStore, type SessionStore } from './session-store.js';
import { createSlidingWindow, type SlidingWindow } from './sliding-window.js';
import { createWills, type Wills } from './wills.js';

/** A client that is connected, as the rest of the broker sees it. */
export interface OnlineClient {
  readonly principalId: string;
  close(reason: CloseReason): void;
}

/** What all connections share. */
export interface Broker {
  readonly limits: SandboxLimits;
  readonly registry: Registry;
  readonly rules: MisbehaviourRules;
  readonly books: Books;
  readonly router: Router;
  readonly sessions: SessionStore;
  readonly wills: Wills;
  /** By client id: at most one connection each. */
  readonly online: Map<string, OnlineClient>;
  /** CONNECTs a second of a client id. */
  connectQuota(clientId: string): SlidingWindow;
}

/** Client ids whose CONNECTs are counted; past this many the count starts anew. */
const maxCountedClients = 10_000;

export const createBroker = (limits: SandboxLimits, random: () => number): Broker => {
  const books = createBooks();
  const registry = createRegistry();
  const router = createRouter({ limits, books, random });
  const online = new Map<string, OnlineClient>();
  const connectQuotas = new Map<string, SlidingWindow>();
  registry.onInactive((certificateId) => {
    for (const client of [...online.values()]) if (client.principalId === certificateId) client.close('certificate_not_active');
  });
  return {
    limits,
    registry,
    rules: createMisbehaviourRules(random),
    books,
    router,
    sessions: createSessionStore(router, { limits, books }),
    wills: createWills((will) => router.route(will)),
    online,
    connectQuota: (clientId) => {
      if (connectQuotas.size >= maxCountedClients) connectQuotas.clear();
      const quota = connectQuotas.get(clientId) ?? createSlidingWindow(limits.connectsPerSecond);
      connectQuotas.set(clientId, quota);
      return quota;
    },
  };
};
