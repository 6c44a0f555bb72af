/** RFC 3339 in UTC with milliseconds. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Ids in hexadecimal are kept in lower case; a network server's own device id stays as it is. */
export const lowerHex = (id: string): string => (/^[0-9a-f]+$/i.test(id) ? id.toLowerCase() : id);

