import { BridgeError, messageOf } from '../errors.js';

/** What a caller asked for, read and checked as far as that is possible without knowing the device. */
export interface DownlinkDraft {
  readonly correlationId?: string;
  readonly fPort?: number;
  /** Where the FPort stands in the caller's form, to name it when it is missing. */
  readonly fPortField: string;
  /** Lower-case hex; exactly one of `payload` and `object` is there. */
  readonly payload?: string;
  readonly object?: Readonly<Record<string, unknown>>;
  readonly confirmed: boolean;
  readonly flush: boolean;
  /** Epoch ms. */
  readonly validUntil?: number;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** One downlink of a document, or why it is none. */
export type ParsedDownlink =
  | { readonly kind: 'draft'; readonly draft: DownlinkDraft }
  | { readonly kind: 'rejection'; readonly error: BridgeError; readonly correlationId?: string };

/** What is known beside the document. */
export interface ParseContext {
  /** Whom it is sent to, by the topic or the API; the document must not contradict it. */
  readonly deviceId: string;
  /** Epoch ms: a validity time in seconds counts from here. */
  readonly receivedAt: number;
}

export const rejectionOf = (error: unknown, correlationId?: string): ParsedDownlink => ({
  kind: 'rejection',
  error: error instanceof BridgeError ? error : new BridgeError('internal_error', { detail: messageOf(error), cause: error }),
  ...(correlationId === undefined ? {} : { correlationId }),
});

/** Reads one downlink. The correlation id goes first, so that a rejection carries it whenever it can be read at all. */
export const draftOrRejection = (readCorrelationId: () => string | undefined, readDraft: () => Omit<DownlinkDraft, 'correlationId'>): ParsedDownlink => {
  let correlationId: string | undefined;
  try {
    correlationId = readCorrelationId();
    return { kind: 'draft', draft: { ...(correlationId === undefined ? {} : { correlationId }), ...readDraft() } };
  } catch (error) {
    return rejectionOf(error, correlationId);
  }
};
