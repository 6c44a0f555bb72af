import {
  CreateBillingGroupCommand, CreateThingCommand, CreateThingTypeCommand, DeleteThingCommand, DeprecateThingTypeCommand, DescribeThingCommand, ListThingsCommand, UpdateThingCommand,
  type ListThingsCommandInput, type ListThingsCommandOutput,
} from '@aws-sdk/client-iot';
import t from 'tap';
import { errorOf, refusalOf, startApi } from '../support/api-client.js';

const arnHead = 'arn:aws:iot:sandbox:000000000000';
const lax = { CreateThing: 0, ListThings: 0 };

void t.test('a thing is created, described, changed and deleted', async (t) => {
  const { client } = await startApi(t);
  await client.send(new CreateThingTypeCommand({ thingTypeName: 'lorawan' }));
  await client.send(new CreateBillingGroupCommand({ billingGroupName: 'bills' }));
  const attributes = { a: '1', b: 'x.y,z@/:#=[]-_' };
  const made = await client.send(new CreateThingCommand({ thingName: '78AF580300000345', thingTypeName: 'lorawan', billingGroupName: 'bills', attributePayload: { attributes } }));
  t.match(made, { thingName: '78AF580300000345', thingArn: `${arnHead}:thing/78AF580300000345`, thingId: /^[0-9a-f-]{36}$/ });
  const described = await client.send(new DescribeThingCommand({ thingName: '78AF580300000345' }));
  t.match(described, { defaultClientId: '78AF580300000345', thingId: made.thingId, thingTypeName: 'lorawan', attributes, version: 1, billingGroupName: 'bills' });
  await client.send(new UpdateThingCommand({ thingName: '78AF580300000345', expectedVersion: 1, attributePayload: { attributes: { a: '', c: '3' }, merge: true } }));
  const changed = await client.send(new DescribeThingCommand({ thingName: '78AF580300000345' }));
  t.match(changed, { version: 2, attributes: { b: attributes.b, c: '3' } });
  t.notOk('a' in (changed.attributes ?? {}), 'an empty value removes an attribute');
  await client.send(new UpdateThingCommand({ thingName: '78AF580300000345', removeThingType: true, attributePayload: { attributes: { only: '1' } } }));
  const untyped = await client.send(new DescribeThingCommand({ thingName: '78AF580300000345' }));
  t.strictSame([untyped.attributes, untyped.thingTypeName], [{ only: '1' }, undefined], 'without merge the set is replaced');
  t.strictSame(await errorOf(client.send(new DeleteThingCommand({ thingName: '78AF580300000345', expectedVersion: 1 }))), ['VersionConflictException', 409]);
  await client.send(new DeleteThingCommand({ thingName: '78AF580300000345', expectedVersion: 3 }));
  t.strictSame(await errorOf(client.send(new DescribeThingCommand({ thingName: '78AF580300000345' }))), ['ResourceNotFoundException', 404]);
  await client.send(new DeleteThingCommand({ thingName: '78AF580300000345' }));
});

void t.test('the same thing again is a success with the same id, another one of that name is not', async (t) => {
  const { client } = await startApi(t);
  const thing = { thingName: 'one', attributePayload: { attributes: { a: '1', b: '2' } } };
  const first = await client.send(new CreateThingCommand(thing));
  const again = await client.send(new CreateThingCommand({ ...thing, attributePayload: { attributes: { b: '2', a: '1' } } }));
  t.equal(again.thingId, first.thingId);
  const refusal = await refusalOf(client.send(new CreateThingCommand({ thingName: 'one' })));
  t.match(refusal, { name: 'ResourceAlreadyExistsException', $metadata: { httpStatusCode: 409 }, resourceId: first.thingId, resourceArn: first.thingArn });
});

void t.test('what CreateThing refuses', async (t) => {
  const { client } = await startApi(t, { limits: lax });
  await client.send(new CreateThingTypeCommand({ thingTypeName: 'old' }));
  await client.send(new DeprecateThingTypeCommand({ thingTypeName: 'old' }));
  const attributes = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, '1']));
  const invalid: [string, ConstructorParameters<typeof CreateThingCommand>[0]][] = [
    ['a dot in the name', { thingName: 'a.b' }],
    ['a long name', { thingName: 'x'.repeat(129) }],
    ['a space in a value', { thingName: 'n', attributePayload: { attributes: { a: 'x y' } } }],
    ['a long value', { thingName: 'n', attributePayload: { attributes: { a: 'x'.repeat(801) } } }],
    ['a wrong attribute name', { thingName: 'n', attributePayload: { attributes: { 'a b': 'x' } } }],
    ['four attributes without a type', { thingName: 'n', attributePayload: { attributes: attributes(4) } }],
    ['a deprecated type', { thingName: 'n', thingTypeName: 'old' }],
    ['a type with a wrong name', { thingName: 'n', thingTypeName: 'a b' }],
  ];
  for (const [name, input] of invalid) t.strictSame(await errorOf(client.send(new CreateThingCommand(input))), ['InvalidRequestException', 400], name);
  t.strictSame(await errorOf(client.send(new CreateThingCommand({ thingName: 'n', thingTypeName: 'none' }))), ['ResourceNotFoundException', 404]);
  t.strictSame(await errorOf(client.send(new CreateThingCommand({ thingName: 'n', billingGroupName: 'none' }))), ['ResourceNotFoundException', 404]);
  t.strictSame(await errorOf(client.send(new DescribeThingCommand({ thingName: 'n' }))), ['ResourceNotFoundException', 404], 'nothing is half created');
  await client.send(new CreateThingTypeCommand({ thingTypeName: 'new' }));
  await client.send(new CreateThingCommand({ thingName: 'n', thingTypeName: 'new', attributePayload: { attributes: attributes(50) } }));
  t.strictSame(await errorOf(client.send(new UpdateThingCommand({ thingName: 'n', removeThingType: true }))), ['InvalidRequestException', 400], 'too many for no type');
  t.strictSame(await errorOf(client.send(new UpdateThingCommand({ thingName: 'n', attributePayload: { attributes: attributes(51) } }))), ['InvalidRequestException', 400]);
  t.strictSame(await errorOf(client.send(new UpdateThingCommand({ thingName: 'n', removeThingType: true, thingTypeName: 'new' }))), ['InvalidRequestException', 400]);
  t.strictSame(await errorOf(client.send(new UpdateThingCommand({ thingName: 'n', expectedVersion: 7 }))), ['VersionConflictException', 409]);
  t.strictSame(await errorOf(client.send(new UpdateThingCommand({ thingName: 'none' }))), ['ResourceNotFoundException', 404]);
});

void t.test('ListThings: pages that survive a deletion, filters and prefixes', async (t) => {
  const { client } = await startApi(t, { limits: lax });
  await client.send(new CreateThingTypeCommand({ thingTypeName: 'kind' }));
  const names = Array.from({ length: 7 }, (_, index) => `t${index}`);
  for (const [index, thingName] of names.entries()) {
    await client.send(new CreateThingCommand({ thingName, ...(index % 2 === 0 ? { thingTypeName: 'kind' } : {}), attributePayload: { attributes: { site: index < 3 ? 'north-1' : 'south-1' } } }));
  }
  const seen: (string | undefined)[] = [];
  let nextToken: string | undefined;
  do {
    const page: ListThingsCommandOutput = await client.send(new ListThingsCommand({ maxResults: 2, ...(nextToken === undefined ? {} : { nextToken }) }));
    seen.push(...(page.things ?? []).map(({ thingName }) => thingName));
    if (nextToken === undefined) await client.send(new DeleteThingCommand({ thingName: 't0' }));
    ({ nextToken } = page);
  } while (nextToken !== undefined);
  t.strictSame(seen, names);
  const namesOf = async (input: ListThingsCommandInput): Promise<(string | undefined)[]> =>
    ((await client.send(new ListThingsCommand(input))).things ?? []).map(({ thingName }) => thingName);
  t.strictSame(await namesOf({ thingTypeName: 'kind' }), ['t2', 't4', 't6']);
  t.strictSame(await namesOf({ attributeName: 'site', attributeValue: 'north-1' }), ['t1', 't2']);
  t.strictSame(await namesOf({ attributeName: 'site', attributeValue: 'north' }), [], 'exact');
  t.strictSame(await namesOf({ attributeName: 'site', attributeValue: 'no', usePrefixAttributeValue: true, thingTypeName: 'kind' }), ['t2']);
  for (const input of [{ maxResults: 251 }, { maxResults: 0 }, { nextToken: 'nonsense' }, { attributeValue: 'x' }]) {
    t.strictSame(await errorOf(client.send(new ListThingsCommand(input))), ['InvalidRequestException', 400], JSON.stringify(input));
  }
});
