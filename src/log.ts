import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The field names of every log line: snake_case, LoRaWAN spelling. `msg` is a fixed text without values in it. */
export interface LogFields {
  readonly dev_eui?: string;
  readonly f_port?: number;
  readonly f_cnt?: number;
  readonly network_server?: string;
  readonly connection_id?: string;
  readonly client_id?: string;
  readonly message_id?: string;
  readonly slot?: string;
  readonly reason?: string;
  readonly detail?: string;
}

/** Keys that never reach the log, wherever they stand: the second net behind the type Secret. */
const redacted = ['authorization', 'cookie', 'value', 'password', 'token', 'key', 'privateKey', 'secretAccessKey', 'apiToken', 'apiKey'];

/** The root logger: one JSON object a line on stdout, levels by name. */
export const createLogger = (level: LogLevel, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redacted.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
