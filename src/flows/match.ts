import type { Message, MessageType } from '../messages/message.js';
import type { TopicPattern } from '../topics/topic-pattern.js';
import type { PayloadFormat } from './shape.js';

/** Where the messages of a flow go: one connection, and how it wants them. */
export interface Target {
  readonly connectionId: string;
  readonly format: PayloadFormat;
  readonly patterns: Readonly<Record<MessageType, TopicPattern>>;
  /** How long a message may wait for AWS, ms; 0 = for ever. */
  readonly validityMs: number;
}

/** Finds the target of a message; undefined means that no flow wants it. */
export type Match = (message: Message) => Target | undefined;

/** With exactly one connection and no flow, everything goes to it. */
export const matchOnly =
  (target: Target): Match =>
  () =>
    target;
