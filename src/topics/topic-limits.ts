import { BridgeError } from '../errors.js';

/** AWS IoT Core quotas "Topic size" and "Maximum number of slashes in topic and topic filter". */
export const maxTopicBytes = 256;
export const maxTopicSlashes = 7;

/** Basic Ingest: `$aws/rules/<rule>/` in front of a topic counts neither as bytes nor as slashes. */
const basicIngest = /^\$aws\/rules\/[A-Za-z0-9_]{1,128}\//;

/** Length of the part in front that AWS does not count; rule names are ASCII, so characters are bytes. */
export const uncountedPrefix = (topic: string): number => (topic.startsWith('$') ? (basicIngest.exec(topic)?.[0].length ?? 0) : 0);

export const slashesIn = (text: string): number => {
  let slashes = 0;
  for (let at = text.indexOf('/'); at !== -1; at = text.indexOf('/', at + 1)) slashes += 1;
  return slashes;
};

export interface TopicSize {
  /** UTF-8 bytes that AWS counts. */
  readonly bytes: number;
  /** Levels that AWS counts: one more than the slashes. */
  readonly levels: number;
}

export const topicSize = (topic: string): TopicSize => {
  const counted = topic.slice(uncountedPrefix(topic));
  return { bytes: Buffer.byteLength(counted), levels: slashesIn(counted) + 1 };
};

/**
 * Length is all that rendering can still get wrong: depth and wildcards were checked when the pattern was compiled.
 * @throws BridgeError topic_invalid
 */
export const checkTopicLength = (topic: string): string => {
  // A UTF-16 unit takes at most 3 bytes of UTF-8.
  if (topic.length * 3 <= maxTopicBytes) return topic;
  const { bytes } = topicSize(topic);
  if (bytes > maxTopicBytes) throw new BridgeError('topic_invalid', { detail: `the topic is ${bytes} bytes long, AWS takes ${maxTopicBytes}` });
  return topic;
};
