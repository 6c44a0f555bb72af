import { z } from 'zod';
import { BridgeError } from '../errors.js';
import type { ApiMisbehaviour } from './api/api-misbehaviour.js';
import type { Misbehaviour } from './misbehaviour.js';
import { certificateStatuses } from './registry.js';
import type { Sandbox } from './sandbox.js';

const certificateId = z.string().regex(/^[0-9a-f]{64}$/).optional();

const commandSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('cut') }),
  z.strictObject({ do: z.literal('blackhole') }),
  z.strictObject({ do: z.literal('restore') }),
  z.strictObject({ do: z.literal('misbehave'), rules: z.array(z.unknown()) }),
  z.strictObject({ do: z.literal('misbehave-api'), rules: z.array(z.unknown()) }),
  z.strictObject({ do: z.literal('iam-policy'), document: z.unknown() }),
  z.strictObject({ do: z.literal('policy'), document: z.unknown(), certificateId }),
  z.strictObject({ do: z.literal('certificate'), status: z.enum(certificateStatuses), certificateId }),
  z.strictObject({ do: z.literal('disconnect'), clientId: z.string().min(1) }),
  z.strictObject({
    do: z.literal('publish'),
    topic: z.string(),
    payload: z.string().default(''),
    payloadBase64: z.base64().optional(),
    qos: z.union([z.literal(0), z.literal(1)]).default(1),
    retain: z.boolean().default(false),
  }),
  z.strictObject({ do: z.literal('stats') }),
]);

type ControlCommand = z.output<typeof commandSchema>;

const parse = (line: string): ControlCommand => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BridgeError('malformed_body', { detail: 'not a JSON object' });
  }
  const parsed = commandSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BridgeError('invalid_field', { field: issue?.path.join('.') || 'do', detail: issue?.message ?? 'unknown command' });
};

const perform = async (sandbox: Sandbox, command: ControlCommand): Promise<object> => {
  switch (command.do) {
    case 'cut':
      await sandbox.cut();
      return {};
    case 'blackhole':
      sandbox.blackhole();
      return {};
    case 'restore':
      await sandbox.restore();
      return {};
    case 'misbehave':
      sandbox.misbehave(command.rules as Misbehaviour[]); // checked there
      return {};
    case 'misbehave-api':
      sandbox.misbehaveApi(command.rules as ApiMisbehaviour[]); // checked there
      return {};
    case 'iam-policy':
      sandbox.setIamPolicy(command.document);
      return {};
    case 'policy':
      sandbox.setPolicy(command.document, command.certificateId);
      return {};
    case 'certificate':
      sandbox.setCertificateStatus(command.status, command.certificateId);
      return {};
    case 'disconnect':
      return { found: sandbox.disconnect(command.clientId) };
    case 'publish':
      sandbox.publish({ ...command, payload: command.payloadBase64 === undefined ? command.payload : Buffer.from(command.payloadBase64, 'base64') });
      return {};
    case 'stats':
      return { stats: sandbox.stats() };
  }
};

/**
 * Performs one control command, a line of JSON, and returns the answer. The answer is `{"event":"done","do":…}`, with `stats` or
 * `found` where there is something to say, or `{"event":"error","message":…}`; it comes when the command has taken effect.
 *
 * - `{"do":"cut"}`: the port is closed, all sockets are destroyed.
 * - `{"do":"blackhole"}`: TCP connections stay and are accepted, nothing is read or answered.
 * - `{"do":"restore"}`: ends both.
 * - `{"do":"misbehave","rules":[…]}`: replaces the rules (see `Misbehaviour`); `[]` ends the misbehaviour.
 * - `{"do":"misbehave-api","rules":[…]}`: the same for the API (see `ApiMisbehaviour`).
 * - `{"do":"iam-policy","document":{…}}`: replaces the IAM policy of the access key, for the API and for MQTT over WebSocket.
 * - `{"do":"policy","document":{…},"certificateId":…}`: replaces the IoT policy of a certificate; default: the bridge's.
 * - `{"do":"certificate","status":"ACTIVE"|"INACTIVE"|"REVOKED","certificateId":…}`: leaving ACTIVE closes its connections.
 * - `{"do":"disconnect","clientId":…}`: closes one connection (AWS DeleteConnection); answers `found`.
 * - `{"do":"publish","topic":…,"payload":…|"payloadBase64":…,"qos":1,"retain":false}`: publishes from the AWS side.
 * - `{"do":"stats"}`: answers with the counters (`SandboxStats`).
 */
export const runControlCommand = async (sandbox: Sandbox, line: string): Promise<object> => {
  try {
    const command = parse(line);
    return { event: 'done', do: command.do, ...(await perform(sandbox, command)) };
  } catch (error) {
    if (error instanceof BridgeError) return { event: 'error', message: error.message };
    throw error;
  }
};
