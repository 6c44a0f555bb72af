import {
  AttachThingPrincipalCommand, CreateThingCommand, DeleteThingCommand, DetachThingPrincipalCommand, ListPrincipalThingsCommand, ListPrincipalThingsV2Command, ListThingPrincipalsCommand,
  ListThingPrincipalsV2Command,
} from '@aws-sdk/client-iot';
import t from 'tap';
import { errorOf, startApi } from '../support/api-client.js';

void t.test('a certificate is attached to things, listed from both sides and detached', async (t) => {
  const { client, address } = await startApi(t);
  const principal = address.certificateArn;
  for (const thingName of ['one', 'two', 'three']) {
    await client.send(new CreateThingCommand({ thingName }));
    await client.send(new AttachThingPrincipalCommand({ thingName, principal }));
  }
  await client.send(new AttachThingPrincipalCommand({ thingName: 'one', principal }));
  t.strictSame((await client.send(new ListThingPrincipalsCommand({ thingName: 'one' }))).principals, [principal], 'attached once, however often');
  t.strictSame((await client.send(new ListThingPrincipalsV2Command({ thingName: 'one' }))).thingPrincipalObjects, [{ principal, thingPrincipalType: 'NON_EXCLUSIVE_THING' }]);
  const first = await client.send(new ListPrincipalThingsCommand({ principal, maxResults: 2 }));
  t.strictSame(first.things, ['one', 'two']);
  t.strictSame((await client.send(new ListPrincipalThingsCommand({ principal, nextToken: first.nextToken }))).things, ['three']);
  t.strictSame(await errorOf(client.send(new DeleteThingCommand({ thingName: 'one' }))), ['InvalidRequestException', 400], 'a thing with principals stays');
  await client.send(new DetachThingPrincipalCommand({ thingName: 'one', principal }));
  await client.send(new DetachThingPrincipalCommand({ thingName: 'one', principal }));
  await client.send(new DeleteThingCommand({ thingName: 'one' }));
  t.strictSame((await client.send(new ListPrincipalThingsCommand({ principal }))).things, ['two', 'three']);
});

void t.test('an exclusive attachment keeps a certificate to one thing', async (t) => {
  const { client, address } = await startApi(t);
  const principal = address.certificateArn;
  for (const thingName of ['one', 'two']) await client.send(new CreateThingCommand({ thingName }));
  const attach = (thingName: string, thingPrincipalType: 'EXCLUSIVE_THING' | 'NON_EXCLUSIVE_THING'): Promise<unknown> =>
    client.send(new AttachThingPrincipalCommand({ thingName, principal, thingPrincipalType }));
  await attach('one', 'EXCLUSIVE_THING');
  t.strictSame(await errorOf(attach('two', 'NON_EXCLUSIVE_THING')), ['InvalidRequestException', 400]);
  t.match(await client.send(new ListPrincipalThingsV2Command({ principal, thingPrincipalType: 'EXCLUSIVE_THING' })), { principalThingObjects: [{ thingName: 'one' }] });
  t.strictSame((await client.send(new ListPrincipalThingsV2Command({ principal, thingPrincipalType: 'NON_EXCLUSIVE_THING' }))).principalThingObjects, []);
  await client.send(new DetachThingPrincipalCommand({ thingName: 'one', principal }));
  await attach('two', 'NON_EXCLUSIVE_THING');
  t.strictSame(await errorOf(attach('one', 'EXCLUSIVE_THING')), ['InvalidRequestException', 400]);
});

void t.test('what AttachThingPrincipal refuses', async (t) => {
  const { client, address } = await startApi(t);
  await client.send(new CreateThingCommand({ thingName: 'one' }));
  const attach = (thingName: string, principal: string): Promise<unknown> => client.send(new AttachThingPrincipalCommand({ thingName, principal }));
  t.strictSame(await errorOf(attach('none', address.certificateArn)), ['ResourceNotFoundException', 404]);
  t.strictSame(await errorOf(attach('one', address.certificateArn.replace(/.{64}$/, '0'.repeat(64)))), ['ResourceNotFoundException', 404]);
  t.strictSame(await errorOf(attach('one', address.certificateArn.replace('sandbox', 'eu-west-1'))), ['InvalidRequestException', 400], 'another Region');
  t.strictSame(await errorOf(attach('one', address.certificateId)), ['InvalidRequestException', 400], 'no ARN');
  t.strictSame((await client.send(new ListThingPrincipalsCommand({ thingName: 'one' }))).principals, []);
});
