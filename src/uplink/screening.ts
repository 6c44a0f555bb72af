import type { Reason } from '../errors.js';
import type { FailedPublishes } from './failed-publishes.js';
import type { Lanes } from './lanes.js';
import type { Admission, DeviceGate, OutboxRecord, Settlement } from './ports.js';
import { parkReasonOfTrials } from './trials.js';

export interface ScreeningOptions {
  readonly lanes: Pick<Lanes, 'take' | 'shelve' | 'fetch' | 'fetchAll'>;
  readonly failures: Pick<FailedPublishes, 'trials'>;
  /** What to do with a message whose validity time has ended. */
  readonly expired: () => 'drop' | 'park';
  /** Something may be ready: asks for a turn. */
  readonly schedule: () => void;
  readonly settle: (settlement: Settlement) => void;
  readonly park: (record: OutboxRecord, reason: Reason, detail: string) => void;
}

/** Keeps back what must not be published: at all, or before its device is registered. */
export interface Screening {
  /** Ends the record that `lanes.peek` gave, or puts it aside with all of its device, when it must not be published now. Whether it did. */
  keepsBack(record: OutboxRecord): boolean;
  /** Whether nothing of the device has to wait or to be parked. */
  admits(deviceId: string): boolean;
  /** Sets who says which devices may be published, or nobody; those that were put aside are asked about again. */
  gate(next: DeviceGate | undefined): void;
}

const go: Admission = { kind: 'go' };

export const createScreening = ({ lanes, failures, expired, schedule, settle, park }: ScreeningOptions): Screening => {
  let gate: DeviceGate | undefined;

  const admissionOf = (deviceId: string): Admission => gate?.admit(deviceId) ?? go;

  const endExpired = (record: OutboxRecord): void => {
    lanes.take();
    if (expired() === 'park') park(record, 'validity_ended', 'the validity time ended before AWS acknowledged it');
    else settle({ outcome: 'expired', record });
  };

  const parkForbidden = (record: OutboxRecord): void => {
    lanes.take();
    park(record, parkReasonOfTrials, `AWS refused the topic ${record.topic} a short time ago`);
  };

  /** Puts aside what must wait for its device's registration, and parks what AWS must not get. */
  const stopAtGate = (record: OutboxRecord, admission: Exclude<Admission, { readonly kind: 'go' }>): void => {
    if (admission.kind === 'wait') return lanes.shelve();
    lanes.take();
    park(record, admission.reason, admission.detail);
  };

  return {
    keepsBack(record) {
      if (record.expiresAt !== 0 && record.expiresAt <= Date.now()) endExpired(record);
      else if (failures.trials.forbids(record.topic)) parkForbidden(record);
      else {
        const admission = admissionOf(record.deviceId);
        if (admission.kind === 'go') return false;
        stopAtGate(record, admission);
      }
      return true;
    },
    admits: (deviceId) => admissionOf(deviceId).kind === 'go',
    gate(next) {
      gate = next;
      next?.onReleased((deviceId) => {
        if (gate !== next) return;
        lanes.fetch(deviceId);
        schedule();
      });
      lanes.fetchAll();
      schedule();
    },
  };
};
