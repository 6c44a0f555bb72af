import type { Reason } from '../../errors.js';
import type { Admission } from '../../uplink/ports.js';
import { createRecentMap } from '../../recent-map.js';

/** How it stands with a device for sure, or stood a while ago. */
export type Answer = { readonly kind: 'ready' } | { readonly kind: 'refused'; readonly admission: Admission & { readonly kind: 'park' }; readonly until: number };

/** The answers of the devices that were heard lately. */
export interface DeviceAnswers {
  /** Undefined: not known, or refused so long ago that it is to be looked up again. */
  get(deviceId: string): Answer | undefined;
  ready(deviceId: string): void;
  refused(deviceId: string, reason: Reason, detail: string): void;
  forget(deviceId: string): void;
}

const readyAnswer: Answer = { kind: 'ready' };

export const createDeviceAnswers = (limit: number, recheckAfterMs: number): DeviceAnswers => {
  const answers = createRecentMap<Answer>(limit);
  return {
    get(deviceId) {
      const answer = answers.get(deviceId);
      return answer?.kind === 'refused' && performance.now() >= answer.until ? undefined : answer;
    },
    ready: (deviceId) => answers.set(deviceId, readyAnswer),
    refused: (deviceId, reason, detail) => answers.set(deviceId, { kind: 'refused', admission: { kind: 'park', reason, detail }, until: performance.now() + recheckAfterMs }),
    forget: (deviceId) => answers.delete(deviceId),
  };
};
