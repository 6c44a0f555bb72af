import type { FastifyRequest } from 'fastify';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { AuditEntry, ResourceStore, Role } from './ports.js';

/** Who makes a request. */
export interface Caller {
  /** Name of the token, or `loopback`. */
  readonly who: string;
  readonly role: Role;
  /** Address that the request came from. */
  readonly from: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Known before the body is read; absent on routes that need no token. */
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    /** The role that the route needs; `admin` where it says nothing. `open`: no token is needed, but one that is given is checked. `unchecked`: nothing is looked at. */
    role?: Role | 'open' | 'unchecked';
  }
}

/** What was changed, for the audit. */
export type Change = Pick<AuditEntry, 'action' | 'kind' | 'id'> & Partial<Pick<AuditEntry, 'changed'>>;

/** The audit entry of a change by the caller of a request. */
export const auditEntry = (request: FastifyRequest, change: Change): AuditEntry => {
  const { who, role, from } = request.caller ?? { who: 'unknown', role: 'read', from: request.ip };
  return { time: Date.now(), who, role, from, changed: [], ...change };
};

/** Keeps the audit entry of a change that is made. Never throws. */
export type NoteChange = (request: FastifyRequest, change: Change) => Promise<void>;

/** What is done cannot be undone by a failing audit, and an error would make the caller do it again: the log then keeps the entry. */
export const createNoteChange =
  (audit: Pick<ResourceStore, 'audit'>, logger: Logger): NoteChange =>
  async (request, change) => {
    const entry = auditEntry(request, change);
    try {
      await audit.audit(entry);
    } catch (error) {
      logger.error({ audit: entry, detail: messageOf(error) }, 'audit entry could not be kept');
    }
  };
