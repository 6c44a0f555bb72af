import { loadConfig } from '../config/load.js';
import { BridgeError } from '../errors.js';
import { maxTopicBytes, maxTopicSlashes, topicSize } from '../topics/topic-limits.js';
import { compileTopicPattern, type TopicPattern } from '../topics/topic-pattern.js';
import { compileTypePatterns } from '../topics/type-patterns.js';
import { defineCommand, parseArguments, UsageError } from './arguments.js';
import type { Io } from './command.js';
import { reportConfigError } from './config-errors.js';
import { settingsIn } from './private-api.js';
import { sampleMessage, type SampleMessage } from './sample-message.js';

const options = {
  config: { type: 'string', short: 'c' },
  connection: { type: 'string' },
  message: { type: 'string' },
  set: { type: 'string', multiple: true },
} as const;

const configuredPattern = (file: string, id: string | undefined, message: SampleMessage, io: Io): TopicPattern => {
  const { connections } = loadConfig({ file, env: settingsIn(io.env) }).config;
  const connection = id === undefined ? connections[0] : connections.find((one) => one.id === id);
  if (connection === undefined) throw new UsageError(`there is no connection ${id ?? ''}; there is ${connections.map((one) => one.id).join(', ')}`);
  return compileTypePatterns(connection.configuration.uplinkTopicPattern, connection.configuration.topicPatterns)[message.type];
};

const render = (pattern: TopicPattern, message: SampleMessage, io: Io): number => {
  const topic = pattern.render(message);
  const { bytes, levels } = topicSize(topic);
  io.stdout.write(`pattern  ${pattern.pattern}\ntopic    ${topic}\nbytes    ${bytes} of ${maxTopicBytes}\nlevels   ${levels} of ${maxTopicSlashes + 1}\n`);
  return 0;
};

const readArguments = (args: readonly string[]) => {
  const { values, positionals } = parseArguments(args, options, true);
  if (positionals.length > 1 || (positionals.length === 1) === (values.config !== undefined)) throw new UsageError('give one PATTERN, or --config FILE');
  return { ...values, pattern: positionals[0] ?? '' };
};

export const renderTopicCommand = defineCommand({
  name: 'render-topic',
  usage: 'render-topic PATTERN|--config FILE [--connection ID] [--message FILE] [--set deviceId=ID] [--set KEY=VALUE]...',
  summary: 'Renders a topic pattern, or the pattern of a connection, for a normalised message, and shows it against the limits of AWS.',
  async run(args, io) {
    const { config, connection, message: file, set = [], pattern } = readArguments(args);
    let message: SampleMessage;
    try {
      message = sampleMessage(file, set);
    } catch (error) {
      if (error instanceof UsageError) throw error;
      io.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      return 1;
    }
    try {
      return render(config === undefined ? compileTopicPattern(pattern) : configuredPattern(config, connection, message, io), message, io);
    } catch (error) {
      if (!(error instanceof BridgeError) || error.reason === 'config_invalid') return reportConfigError(error, io);
      io.stderr.write(`${error.reason}: ${error.message}\n`);
      return 1;
    }
  },
});
