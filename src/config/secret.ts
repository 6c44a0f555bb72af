import { inspect } from 'node:util';

export const redacted = '[redacted]';

/** A text that shows itself to nobody but who asks by name: not to logs, JSON, templates or the debugger's printout. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [inspect.custom](): string {
    return redacted;
  }
}
