import { BridgeError, messageOf } from '../../errors.js';
import type { Deadline } from '../../lifecycle.js';
import type { Logger } from '../../log.js';
import type { NoteEvent } from '../../messages/bridge-event.js';
import type { Message } from '../../messages/message.js';
import type { DeviceGate, ThingMemory, ThingRecord } from '../../uplink/ports.js';
import { createPrincipal } from './certificate-principal.js';
import { createDeviceAnswers } from './device-answers.js';
import { createDeviceMemory } from './device-memory.js';
import { createFifo } from './fifo.js';
import type { ThingMetrics } from './metrics.js';
import { createRegistrarNotes } from './registrar-notes.js';
import { defaultRegistrarLimits, type RegistrarOptions } from './registrar-options.js';
import { createRegistrationQueue } from './registration-queue.js';
import { createRegistryClient } from './registry-client.js';
import { createSettleDevice, type Settled } from './settle-device.js';
import { compileThingPattern, type ThingDraft } from './thing-pattern.js';
import type { Trouble } from './troubles.js';

export interface RegistrarDeps {
  readonly memory: ThingMemory;
  readonly metrics: ThingMetrics;
  readonly logger: Logger;
  readonly note: NoteEvent;
}

/** Sees to the things of one connection's devices, and tells whether their uplinks may go. */
export interface Registrar extends DeviceGate {
  /** To be called for each accepted message of the connection before it is handed to delivery. Returns at once: in the usual case it is one look-up in a map. */
  seen(message: Message): void;
  /** Looks the device up in AWS again, whatever is remembered of it. */
  retry(deviceId: string): void;
  /** `pending`: devices whose thing is not settled; `failing`: why some of them cannot be, tried again by itself. */
  status(): { readonly pending: number; readonly failing?: Trouble };
  /** Before, devices only gather. */
  start(): void;
  /** Ends what is under way; what was not settled is looked up again after the next start. */
  stop(deadline: Deadline): Promise<void>;
}

/**
 * A device that is not settled. `recall`: the memory of things is asked; `register`: AWS is; `message`: only its next message can tell what its thing is to be.
 */
interface Pending {
  stage: 'recall' | 'register' | 'message';
  /** Absent beyond the bound: then it is in the memory of things. */
  draft?: ThingDraft | undefined;
  /** Why its message gave no draft. */
  invalid?: BridgeError | undefined;
  record?: ThingRecord | undefined;
  /** What is remembered does not count. */
  again: boolean;
}

const go = { kind: 'go' } as const;
const wait = { kind: 'wait' } as const;
const recallsAtOnce = 64;
/** Drafts of devices that the memory of things is being asked about: it answers fast, so they may be more than those that wait for AWS. */
const recallShare = 4;

/** @throws BridgeError config_invalid where a pattern of the things cannot be read */
export const createRegistrar = (options: RegistrarOptions, { memory, metrics, logger, note }: RegistrarDeps): Registrar => {
  const { connectionId, create } = options;
  const limits = { ...defaultRegistrarLimits, ...options.limits };
  const holdsUplinks = options.required || !create;
  const pattern = compileThingPattern(options.things);
  const notes = createRegistrarNotes(connectionId, logger, note);
  const registry = createRegistryClient(options.registry, {
    called: (operation) => metrics.called(connectionId, operation),
    failed: (reason) => metrics.failed(connectionId, reason),
    throttled: () => metrics.throttled(connectionId),
  });
  const settle = createSettleDevice({ registry, principal: createPrincipal(registry, options.certificate), typeMade: (typeName) => notes.thingTypeMade(typeName) }, options.things, create);
  const remembered = createDeviceMemory(memory, connectionId);
  const answers = createDeviceAnswers(limits.knownDevices, limits.recheckAfterMs);
  const pending = new Map<string, Pending>();
  const recalls = createFifo<string>();
  let recalling = 0;
  let running = false;
  let released: (deviceId: string) => void = () => undefined;

  /** The answer is there: whoever waits may ask for it. */
  const close = (deviceId: string): void => {
    pending.delete(deviceId);
    if (holdsUplinks) released(deviceId);
  };

  const conclude = (deviceId: string, thingName: string, settled: Settled): void => {
    const device = pending.get(deviceId);
    const state = settled.state === 'ready' ? { deviceId, thingName, state: settled.state } : { deviceId, thingName, ...settled };
    remembered.put({ ...state, attributes: device?.draft?.attributes ?? device?.record?.attributes }, device?.record);
    metrics.ended(connectionId, settled.state);
    if (settled.state === 'ready') answers.ready(deviceId);
    else {
      answers.refused(deviceId, settled.reason, settled.detail);
      notes.refused(deviceId, settled.reason, settled.detail);
    }
    close(deviceId);
  };

  const failForGood = (deviceId: string, thingName: string, error: BridgeError): void => conclude(deviceId, thingName, { state: 'failed', reason: error.reason, detail: error.message });

  /** What the thing is to be, by the device's message, or what is remembered of an earlier one, or its id alone. @throws BridgeError thing_invalid */
  const draftFor = (deviceId: string, { draft, invalid, record }: Pending): ThingDraft | undefined => {
    if (draft !== undefined) return draft;
    if (record?.attributes !== undefined) return { thingName: record.thingName, attributes: record.attributes };
    if (invalid !== undefined) throw invalid;
    return pattern.draftOfId(deviceId);
  };

  /** No thing can be named yet. Where uplinks do not wait the device is simply heard again. */
  const awaitMessage = (deviceId: string, device: Pending): void => {
    device.stage = 'message';
    if (!holdsUplinks) pending.delete(deviceId);
  };

  /** The draft of a device beyond the bound. @throws BridgeError store_unavailable */
  const storedDraft = async (deviceId: string, device: Pending): Promise<ThingDraft> => {
    const found = await remembered.find(deviceId);
    device.record = found === 'unavailable' ? undefined : found;
    const draft = draftFor(deviceId, device);
    if (draft === undefined) throw new BridgeError('store_unavailable', { detail: 'what the thing is to be cannot be read' });
    return draft;
  };

  const attempt = async (deviceId: string): Promise<void> => {
    const device = pending.get(deviceId);
    if (device === undefined) return;
    let thingName = '';
    try {
      const draft = device.draft ?? (await storedDraft(deviceId, device));
      thingName = draft.thingName;
      conclude(deviceId, thingName, await settle(draft));
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      if (error.row.retry === 'never' && error.reason !== 'stopping') return failForGood(deviceId, thingName, error);
      if (running && thingName !== '' && device.record?.reason !== error.reason) remember(deviceId, device, error);
      throw error;
    }
  };

  const remember = (deviceId: string, device: Pending, error?: BridgeError): void => {
    const draft = device.draft ?? device.record;
    if (draft === undefined) return;
    device.record = remembered.put({ deviceId, thingName: draft.thingName, state: 'pending', reason: error?.reason, detail: error?.message, attributes: draft.attributes }, device.record);
  };

  const queue = createRegistrationQueue({ attempt, concurrency: limits.concurrency, backoff: limits.backoff, troubles: notes });

  const register = (deviceId: string, device: Pending): void => {
    device.stage = 'register';
    if (device.record?.attributes === undefined) remember(deviceId, device);
    if (pending.size > limits.waitingDevices) {
      device.draft = undefined;
      device.record = undefined;
    }
    queue.add(deviceId);
  };

  const recall = async (deviceId: string): Promise<void> => {
    const device = pending.get(deviceId);
    if (device === undefined) return;
    const found = await remembered.find(deviceId);
    if (!running) return;
    device.record = found === 'unavailable' ? undefined : found;
    if (device.record?.state === 'ready' && !device.again) {
      answers.ready(deviceId);
      return close(deviceId);
    }
    try {
      device.draft = draftFor(deviceId, device);
    } catch (error) {
      return failForGood(deviceId, device.record?.thingName ?? '', error instanceof BridgeError ? error : new BridgeError('internal_error', { detail: messageOf(error) }));
    }
    if (device.draft !== undefined) register(deviceId, device);
    else if (found === 'unavailable') recalls.push(deviceId);
    else awaitMessage(deviceId, device);
  };

  const pumpRecalls = (): void => {
    while (running && recalling < recallsAtOnce) {
      const deviceId = recalls.shift();
      if (deviceId === undefined) return;
      recalling += 1;
      void recall(deviceId).finally(() => {
        recalling -= 1;
        pumpRecalls();
      });
    }
  };

  const add = (deviceId: string, device: Pending): void => {
    pending.set(deviceId, device);
    recalls.push(deviceId);
    pumpRecalls();
  };

  const readd = (deviceId: string, device: Pending): void => add(deviceId, { ...device, stage: 'recall' });

  /** A message of a device that is waited for. */
  const complete = (deviceId: string, device: Pending, message: Message): void => {
    if (device.stage === 'register' || (device.stage === 'recall' && device.draft !== undefined)) return;
    Object.assign(device, pattern.draftOf(message));
    if (device.stage === 'message') readd(deviceId, device);
  };

  return {
    seen(message) {
      const { deviceId } = message;
      const answer = answers.get(deviceId);
      if (answer?.kind === 'ready' || (answer !== undefined && answer.admission.reason !== 'thing_invalid')) return;
      const device = pending.get(deviceId);
      if (device !== undefined) return complete(deviceId, device, message);
      const crowded = pending.size >= limits.waitingDevices;
      if (crowded && !holdsUplinks) return;
      const found = pattern.draftOf(message);
      if (answer !== undefined && 'invalid' in found) return;
      add(deviceId, { stage: 'recall', again: false, ...(pending.size < limits.waitingDevices * recallShare ? found : {}) });
    },
    admit(deviceId) {
      if (!holdsUplinks) return go;
      const answer = answers.get(deviceId);
      if (answer?.kind === 'ready') return go;
      if (answer !== undefined && !pending.has(deviceId)) return answer.admission;
      if (!pending.has(deviceId)) add(deviceId, { stage: 'recall', again: false });
      return wait;
    },
    onReleased(listener) {
      released = listener;
    },
    retry(deviceId) {
      answers.forget(deviceId);
      const device = pending.get(deviceId);
      if (device === undefined) add(deviceId, { stage: 'recall', again: true });
      else if (device.stage === 'register') queue.hurry(deviceId);
      else {
        device.again = true;
        if (device.stage === 'message') readd(deviceId, device);
      }
    },
    status() {
      const failing = queue.trouble();
      return { pending: pending.size, ...(failing === undefined ? {} : { failing }) };
    },
    start() {
      running = true;
      queue.start();
      pumpRecalls();
    },
    async stop(deadline) {
      running = false;
      remembered.close();
      await queue.stop(deadline);
      registry.close();
    },
  };
};
