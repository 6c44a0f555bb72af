import { pino, type Logger } from 'pino';

/** A logger that logs everything, and its lines so far. */
export interface RecordedLog {
  readonly logger: Logger;
  readonly log: Record<string, unknown>[];
}

export const recordLog = (): RecordedLog => {
  const log: Record<string, unknown>[] = [];
  return { log, logger: pino({ level: 'debug', base: null }, { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }) };
};
