import type { Effective } from '../api/resources/effective.js';
import { BridgeError, type Reason } from '../errors.js';
import { createMatch, type Target } from '../flows/match.js';
import { messageTypes } from '../messages/message.js';
import type { TopicPattern } from '../topics/topic-pattern.js';
import type { Routes } from '../uplink/prepare.js';
import { createByRevision } from './by-revision.js';
import { targetOf } from './connection-options.js';
import { flowOf } from './flow-options.js';

/** Where messages go at the moment. */
export interface Routing {
  readonly routes: () => Routes;
  readonly targetOf: (connectionId: string) => Target | undefined;
  apply(effective: Effective): void;
}

/** A connection that is stored and cannot be used: its messages are parked whole, with the reason, until somebody has mended it and replays them. */
const unusableTarget = (connectionId: string, reason: Reason, detail: string): Target => {
  const render = (): never => {
    throw new BridgeError(reason, { detail });
  };
  const pattern: TopicPattern = { pattern: '', render };
  return { connectionId, format: 'normalised', patterns: Object.fromEntries(messageTypes.map((type) => [type, pattern])) as Target['patterns'], validityMs: 0, uplinksOnly: false };
};

const unusableTargets = ({ failed }: Effective): [string, Target][] =>
  failed.filter(({ kind }) => kind === 'connection').map(({ id, reason, problems }) => [id, unusableTarget(id, reason, problems.map(({ path, message }) => `${path} ${message}`).join('; '))]);

/** Before anything is applied nothing is taken: it could go to the wrong customer. */
const notYet: Routes = { refusal: 'store_unavailable', match: () => ({ targets: [], filtered: 'no_connection' }), targetOf: () => undefined };

export const createRouting = (): Routing => {
  const targetsOf = createByRevision(targetOf);
  const flowsOf = createByRevision(flowOf);
  let present = notYet;
  return {
    routes: () => present,
    targetOf: (id) => present.targetOf(id),
    apply(effective) {
      const targets = new Map([...unusableTargets(effective), ...targetsOf(effective.connections)]);
      const flows = [...flowsOf(effective.flows).values()];
      present = { match: createMatch(targets, flows), targetOf: (id) => targets.get(id), ...(targets.size === 0 ? { refusal: 'no_connection' } : {}) };
    },
  };
};
