export type TopicMatcher = (topic: string) => boolean;

const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#');

const escapeLevel = (level: string): string => level.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/**
 * Compiles a topic filter. Two rules differ from plain text comparison: a wildcard in the first level does not match
 * topics that begin with `$` (MQTT 5.0, 4.7.2), and `a/#` does not match `a`, where AWS deviates from the standard.
 */
export const compileFilter = (filter: string): TopicMatcher => {
  if (!hasWildcard(filter)) return (topic) => topic === filter;
  const body = filter
    .split('/')
    .map((level) => (level === '+' ? '[^/]*' : level === '#' ? '.*' : escapeLevel(level)))
    .join('/');
  const guard = /^[+#]/.test(filter) ? '(?!\\$)' : '';
  const pattern = new RegExp(`^${guard}${body}$`, 's');
  return (topic) => pattern.test(topic);
};

/** True when the filter names exactly one topic: only such a subscription is given the retained message by AWS. */
export const isExact = (filter: string): boolean => !hasWildcard(filter);
