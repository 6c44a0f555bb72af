/**
 * The escaping rule for values in topics: `/` (a new level), `+` and `#` (wildcards), `%` (so that the rule can be undone),
 * control characters (U+0000–U+001F, U+007F–U+009F) and non-characters, which a broker may refuse (MQTT 5, 1.5.4), become `%XX`
 * for each byte of their UTF-8. A lone surrogate has no UTF-8 and becomes that of U+FFFD.
 */
const unsafe = /[/+#%\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

const percent = (text: string): string => Buffer.from(text).toString('hex').toUpperCase().replace(/../g, '%$&');

const asciiUnsafe = new Set(['/', '+', '#', '%'].map((char) => char.charCodeAt(0)));

/** Most values are plain ASCII, where a look at each character is cheaper than the expression. */
const isPlain = (value: string): boolean => {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || code > 0x7e || asciiUnsafe.has(code)) return false;
  }
  return true;
};

export const escapeTopicValue = (value: string): string => (isPlain(value) ? value : value.replace(unsafe, percent));

/** Undoes the escaping; undefined where the text is no escaped value. */
export const unescapeTopicValue = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
};

/** Whether an operator's own text could stand in a topic, apart from `/`. */
export const firstUnsafe = (text: string): string | undefined => /[+#\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.exec(text)?.[0];
