import type { Router } from './router.js';
import { Session, type SessionDeps } from './session.js';

/** The sessions of all clients, present and absent. */
export interface SessionStore {
  /** The client's session, kept from before or new. A session is not resumed across MQTT versions (AWS). */
  open(clientId: string, protocolVersion: 4 | 5, clean: boolean): { readonly session: Session; readonly present: boolean };
  /** The client is gone: keeps its session for so many seconds, or ends it. */
  leave(session: Session, expirySeconds: number): void;
  /** Ends all sessions. */
  clear(): void;
}

/** Longest delay of a timer, ms. */
const maxTimerMs = 2 ** 31 - 1;

export const createSessionStore = (router: Router, deps: SessionDeps): SessionStore => {
  const sessions = new Map<string, Session>();
  const expiries = new Map<Session, NodeJS.Timeout>();

  const stopExpiry = (session: Session): void => {
    clearTimeout(expiries.get(session));
    expiries.delete(session);
  };

  const end = (session: Session): void => {
    stopExpiry(session);
    if (sessions.get(session.clientId) === session) sessions.delete(session.clientId);
    router.forget(session);
    session.end();
  };

  return {
    open: (clientId, protocolVersion, clean) => {
      const kept = sessions.get(clientId);
      if (kept !== undefined && !clean && kept.protocolVersion === protocolVersion) {
        stopExpiry(kept);
        return { session: kept, present: true };
      }
      if (kept !== undefined) end(kept);
      const session = new Session(clientId, protocolVersion, deps);
      sessions.set(clientId, session);
      return { session, present: false };
    },
    leave: (session, expirySeconds) => {
      session.detach();
      if (expirySeconds <= 0) return end(session);
      expiries.set(session, setTimeout(end, Math.min(expirySeconds * 1000, maxTimerMs), session).unref());
    },
    clear: () => {
      for (const session of [...sessions.values()]) end(session);
    },
  };
};
