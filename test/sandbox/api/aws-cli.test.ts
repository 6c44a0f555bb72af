import { CreateThingTypeCommand, DescribeThingCommand, ListThingPrincipalsCommand } from '@aws-sdk/client-iot';
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import type { Test } from 'tap';
import { testDir } from '../../support/test-dir.js';
import { openClient, startApi, type RunningApi } from '../support/api-client.js';

const run = promisify(execFile);

const isExecutable = async (path: string): Promise<boolean> => access(path, constants.X_OK).then(() => true, () => false);

/** The `aws` command of AWS_CLI or PATH. */
const findAws = async (): Promise<string | undefined> => {
  const candidates = [process.env['AWS_CLI'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'aws'))];
  for (const path of candidates) if (path !== '' && (await isExecutable(path))) return path;
  return undefined;
};

type Aws = (...args: string[]) => Promise<unknown>;

/** Runs `aws` as its users do, with nothing of this machine's configuration. */
const awsOf = async (t: Test, { address, url }: RunningApi): Promise<Aws | undefined> => {
  const path = await findAws();
  const none = join(testDir(t), 'none');
  const env = {
    PATH: process.env['PATH'], HOME: t.testdirName, AWS_CONFIG_FILE: none, AWS_SHARED_CREDENTIALS_FILE: none, AWS_EC2_METADATA_DISABLED: 'true', AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: address.accessKeyId, AWS_SECRET_ACCESS_KEY: address.secretAccessKey, AWS_MAX_ATTEMPTS: '1', AWS_PAGER: '',
  };
  const works = path !== undefined && (await run(path, ['--version'], { env }).then(() => true, () => false));
  if (!works) return undefined;
  return async (...args) => {
    const { stdout } = await run(path, [...args, '--endpoint-url', url, '--output', 'json'], { env });
    return stdout.trim() === '' ? {} : (JSON.parse(stdout) as unknown);
  };
};

const useCommand = async (t: Test, aws: Aws, { address, client }: RunningApi): Promise<void> => {
  await client.send(new CreateThingTypeCommand({ thingTypeName: 'lorawan' }));
  const made = await aws('iot', 'create-thing', '--thing-name', 'one', '--thing-type-name', 'lorawan', '--attribute-payload', '{"attributes":{"a":"1"}}');
  t.match(made, { thingName: 'one', thingArn: 'arn:aws:iot:sandbox:000000000000:thing/one' });
  await aws('iot', 'attach-thing-principal', '--thing-name', 'one', '--principal', address.certificateArn);
  t.strictSame((await client.send(new ListThingPrincipalsCommand({ thingName: 'one' }))).principals, [address.certificateArn]);
  t.match(await aws('iot', 'list-things', '--thing-type-name', 'lorawan', '--attribute-name', 'a', '--attribute-value', '1'), { things: [{ thingName: 'one', thingTypeName: 'lorawan' }] });
  t.match(await aws('iot', 'list-attached-policies', '--target', address.certificateArn), { policies: [{ policyName: 'sandbox-1' }] });
  t.match(await aws('iot', 'describe-endpoint', '--endpoint-type', 'iot:Data-ATS'), { endpointAddress: `localhost:${address.port}` });
  await t.rejects(aws('iot', 'describe-thing', '--thing-name', 'none'), /ResourceNotFoundException/);
  t.match(await aws('sts', 'assume-role', '--role-arn', 'arn:aws:iam::123456789012:role/x', '--role-session-name', 'me'), { Credentials: { AccessKeyId: /^ASIA/ } });
};

void t.test('the aws command works against the sandbox', async (t) => {
  const running = await startApi(t);
  const aws = await awsOf(t, running);
  if (aws === undefined) t.comment('the aws command is not installed: only the SDK is tried here');
  else await useCommand(t, aws, running);
  const client = openClient(t, running.address);
  const described = await client.send(new DescribeThingCommand({ thingName: 'one' })).catch((error: unknown) => error);
  t.match(described, aws === undefined ? { name: 'ResourceNotFoundException' } : { thingTypeName: 'lorawan', attributes: { a: '1' } });
});
