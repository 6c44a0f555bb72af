import { integer, listOf, object, reason, text, type Schema } from '../../schemas.js';

export const checkedStepSchema: Schema = object(
  {
    step: text('What was tried.', { examples: ['tls'] }),
    result: text('`skipped`: not asked for, or a step before it failed.', { enum: ['ok', 'failed', 'skipped'] }),
    durationMs: { type: 'number', description: 'How long it took, ms.' },
    reason,
    detail: text('In words.'),
    missing: object(
      { policy: text('`iot`: the policy of the certificate; `iam`: that of the AWS credentials.', { enum: ['iot', 'iam'] }), action: text('The action that is not allowed.'), resource: text('The resource that it is not allowed for.') },
      [],
      { description: 'The permission that is missing.' },
    ),
  },
  ['reason', 'detail', 'missing'],
);

export const checkAnswer: Schema = object({ ok: { type: 'boolean', description: 'Whether no step failed.' }, steps: listOf(checkedStepSchema, 'What was tried, in order.') }, [], { description: 'Each step with its result.' });

const policyDocument = (description: string): Schema => ({ type: 'object', additionalProperties: true, description });

export const policyAnswer: Schema = object(
  { iot: policyDocument('AWS IoT policy of the certificate; absent for a connection that signs with AWS credentials.'), iam: policyDocument('IAM policy of the AWS credentials; absent where none are used.') },
  ['iot', 'iam'],
  { description: 'The least policies for exactly this configuration.' },
);

export const syncAnswer: Schema = object(
  {
    applied: { type: 'boolean', description: 'False: it was only looked.' },
    counts: { type: 'object', additionalProperties: integer('How many.'), description: 'How many things were found in each condition.' },
    things: listOf(
      object({ thingName: text('Its name in AWS.'), deviceId: text('Its device.'), state: text('Its condition.'), detail: text('In words.') }, ['deviceId', 'detail']),
      'Those that are not as they should be, at most 1,000.',
    ),
  },
  [],
  { description: 'What became of the things.' },
);
