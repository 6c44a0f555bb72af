import {
  AddThingToThingGroupCommand, CreateBillingGroupCommand, CreateThingCommand, CreateThingGroupCommand, CreateThingTypeCommand, DeleteBillingGroupCommand, DeleteThingGroupCommand,
  DeleteThingTypeCommand, DeprecateThingTypeCommand, DescribeBillingGroupCommand, DescribeThingCommand, DescribeThingGroupCommand, DescribeThingTypeCommand, ListBillingGroupsCommand,
  ListThingGroupsCommand, ListThingGroupsForThingCommand, ListThingsInThingGroupCommand, ListThingTypesCommand, RemoveThingFromThingGroupCommand, UpdateThingTypeCommand,
} from '@aws-sdk/client-iot';
import t from 'tap';
import { errorOf, startApi } from '../support/api-client.js';

void t.test('thing types: idempotent, changed, deprecated, deleted when unused', async (t) => {
  const { client } = await startApi(t);
  const input = { thingTypeName: 'lorawan', thingTypeProperties: { thingTypeDescription: 'LoRaWAN devices', searchableAttributes: ['site'] } };
  const made = await client.send(new CreateThingTypeCommand(input));
  t.match(made, { thingTypeName: 'lorawan', thingTypeArn: /:thingtype\/lorawan$/, thingTypeId: String });
  t.equal((await client.send(new CreateThingTypeCommand(input))).thingTypeId, made.thingTypeId);
  t.strictSame(await errorOf(client.send(new CreateThingTypeCommand({ thingTypeName: 'lorawan' }))), ['ResourceAlreadyExistsException', 409]);
  t.strictSame(await errorOf(client.send(new CreateThingTypeCommand({ thingTypeName: 'a.b' }))), ['InvalidRequestException', 400]);
  await client.send(new UpdateThingTypeCommand({ thingTypeName: 'lorawan', thingTypeProperties: { thingTypeDescription: 'new' } }));
  const described = await client.send(new DescribeThingTypeCommand({ thingTypeName: 'lorawan' }));
  t.match(described, { thingTypeProperties: { thingTypeDescription: 'new', searchableAttributes: ['site'] }, thingTypeMetadata: { deprecated: false, creationDate: Date } });
  t.match(await client.send(new ListThingTypesCommand({ thingTypeName: 'lorawan' })), { thingTypes: [{ thingTypeName: 'lorawan' }] });
  t.strictSame((await client.send(new ListThingTypesCommand({ thingTypeName: 'other' }))).thingTypes, []);
  t.strictSame(await errorOf(client.send(new DeleteThingTypeCommand({ thingTypeName: 'lorawan' }))), ['InvalidRequestException', 400], 'not deprecated yet');
  await client.send(new CreateThingCommand({ thingName: 'one', thingTypeName: 'lorawan' }));
  await client.send(new DeprecateThingTypeCommand({ thingTypeName: 'lorawan' }));
  t.match((await client.send(new DescribeThingTypeCommand({ thingTypeName: 'lorawan' }))).thingTypeMetadata, { deprecated: true, deprecationDate: Date });
  t.strictSame(await errorOf(client.send(new DeleteThingTypeCommand({ thingTypeName: 'lorawan' }))), ['InvalidRequestException', 400], 'in use');
  await client.send(new DeprecateThingTypeCommand({ thingTypeName: 'lorawan', undoDeprecate: true }));
  await client.send(new CreateThingCommand({ thingName: 'two', thingTypeName: 'lorawan' }));
  await client.send(new CreateThingTypeCommand({ thingTypeName: 'unused' }));
  await client.send(new DeprecateThingTypeCommand({ thingTypeName: 'unused' }));
  await client.send(new DeleteThingTypeCommand({ thingTypeName: 'unused' }));
  t.strictSame(await errorOf(client.send(new DescribeThingTypeCommand({ thingTypeName: 'unused' }))), ['ResourceNotFoundException', 404]);
});

void t.test('thing groups: levels, members by name and by ARN, limits', async (t) => {
  const { client } = await startApi(t, { limits: { maxGroupsPerThing: 2, CreateThingGroup: 0 } });
  const { thingArn } = await client.send(new CreateThingCommand({ thingName: 'one' }));
  const { thingGroupArn, thingGroupId } = await client.send(new CreateThingGroupCommand({ thingGroupName: 'g1' }));
  t.equal((await client.send(new CreateThingGroupCommand({ thingGroupName: 'g1' }))).thingGroupId, thingGroupId);
  t.strictSame(await errorOf(client.send(new CreateThingGroupCommand({ thingGroupName: 'g1', thingGroupProperties: { thingGroupDescription: 'x' } }))), ['ResourceAlreadyExistsException', 409]);
  for (let level = 2; level <= 7; level += 1) await client.send(new CreateThingGroupCommand({ thingGroupName: `g${level}`, parentGroupName: `g${level - 1}` }));
  t.strictSame(await errorOf(client.send(new CreateThingGroupCommand({ thingGroupName: 'g8', parentGroupName: 'g7' }))), ['InvalidRequestException', 400], 'too deep');
  t.strictSame(await errorOf(client.send(new CreateThingGroupCommand({ thingGroupName: 'x', parentGroupName: 'none' }))), ['ResourceNotFoundException', 404]);
  t.match(await client.send(new DescribeThingGroupCommand({ thingGroupName: 'g3' })), {
    version: 1,
    thingGroupMetadata: { parentGroupName: 'g2', rootToParentThingGroups: [{ groupName: 'g1', groupArn: thingGroupArn }, { groupName: 'g2' }] },
  });
  await client.send(new AddThingToThingGroupCommand({ thingName: 'one', thingGroupName: 'g2' }));
  await client.send(new AddThingToThingGroupCommand({ thingArn, thingGroupArn }));
  await client.send(new AddThingToThingGroupCommand({ thingName: 'one', thingGroupName: 'g2' }));
  t.strictSame(await errorOf(client.send(new AddThingToThingGroupCommand({ thingName: 'one', thingGroupName: 'g3' }))), ['InvalidRequestException', 400], 'in two already');
  t.strictSame(await errorOf(client.send(new AddThingToThingGroupCommand({ thingName: 'one' }))), ['InvalidRequestException', 400]);
  t.strictSame(await errorOf(client.send(new AddThingToThingGroupCommand({ thingName: 'none', thingGroupName: 'g1' }))), ['ResourceNotFoundException', 404]);
  t.match(await client.send(new ListThingGroupsForThingCommand({ thingName: 'one' })), { thingGroups: [{ groupName: 'g1', groupArn: thingGroupArn }, { groupName: 'g2' }] });
  t.strictSame((await client.send(new ListThingsInThingGroupCommand({ thingGroupName: 'g1' }))).things, ['one']);
  await client.send(new RemoveThingFromThingGroupCommand({ thingName: 'one', thingGroupName: 'g1' }));
  t.strictSame((await client.send(new ListThingsInThingGroupCommand({ thingGroupName: 'g1' }))).things, []);
  t.match(await client.send(new ListThingGroupsCommand({ parentGroup: 'g1' })), { thingGroups: [{ groupName: 'g2' }] });
  t.strictSame(await errorOf(client.send(new DeleteThingGroupCommand({ thingGroupName: 'g1' }))), ['InvalidRequestException', 400], 'groups in it');
  await client.send(new DeleteThingGroupCommand({ thingGroupName: 'g7', expectedVersion: 1 }));
  t.strictSame(await errorOf(client.send(new DescribeThingGroupCommand({ thingGroupName: 'g7' }))), ['ResourceNotFoundException', 404]);
});

void t.test('billing groups', async (t) => {
  const { client } = await startApi(t);
  const made = await client.send(new CreateBillingGroupCommand({ billingGroupName: 'b' }));
  t.equal((await client.send(new CreateBillingGroupCommand({ billingGroupName: 'b' }))).billingGroupId, made.billingGroupId);
  t.strictSame(await errorOf(client.send(new CreateBillingGroupCommand({ billingGroupName: 'b', billingGroupProperties: { billingGroupDescription: 'x' } }))), ['ResourceAlreadyExistsException', 409]);
  t.match(await client.send(new DescribeBillingGroupCommand({ billingGroupName: 'b' })), { billingGroupId: made.billingGroupId, version: 1, billingGroupMetadata: { creationDate: Date } });
  t.match(await client.send(new ListBillingGroupsCommand({ namePrefixFilter: 'b' })), { billingGroups: [{ groupName: 'b' }] });
  await client.send(new CreateThingCommand({ thingName: 'one', billingGroupName: 'b' }));
  t.strictSame(await errorOf(client.send(new DeleteBillingGroupCommand({ billingGroupName: 'b', expectedVersion: 2 }))), ['VersionConflictException', 409]);
  await client.send(new DeleteBillingGroupCommand({ billingGroupName: 'b' }));
  t.equal((await client.send(new DescribeThingCommand({ thingName: 'one' }))).billingGroupName, undefined);
});
