import 'reflect-metadata'; // @peculiar/x509 does not load without it, so it comes first
import {
  AttachPolicyCommand, AttachThingPrincipalCommand, CreateCertificateFromCsrCommand, CreateKeysAndCertificateCommand, CreatePolicyCommand, CreateThingCommand, DeleteCertificateCommand,
  DescribeCertificateCommand, DescribeEndpointCommand, DetachThingPrincipalCommand, ListCertificatesCommand, RegisterCertificateCommand, RegisterCertificateWithoutCACommand, UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import t from 'tap';
import { allowAll } from '../../../src/sandbox/policy.js';
import { errorOf, startApi } from '../support/api-client.js';
import { nextNotice } from '../support/harness.js';
import { connectRaw, tryRaw } from '../support/raw-client.js';

void t.test('DescribeEndpoint answers host and port of the broker', async (t) => {
  const { client, address } = await startApi(t);
  t.equal((await client.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }))).endpointAddress, `localhost:${address.port}`);
  for (const endpointType of [undefined, 'iot:Data', 'iot:Jobs', 'nonsense']) {
    t.strictSame(await errorOf(client.send(new DescribeEndpointCommand({ endpointType }))), ['InvalidRequestException', 400], String(endpointType));
  }
});

void t.test("the bridge's certificate is described", async (t) => {
  const { client, address } = await startApi(t);
  const { certificateDescription } = await client.send(new DescribeCertificateCommand({ certificateId: address.certificateId }));
  t.match(certificateDescription, {
    certificateArn: address.certificateArn, certificateId: address.certificateId, status: 'ACTIVE', ownedBy: '000000000000', certificateMode: 'DEFAULT', caCertificateId: /^[0-9a-f]{64}$/,
    validity: { notBefore: Date, notAfter: Date },
  });
  t.match(certificateDescription?.certificatePem, /^-----BEGIN CERTIFICATE-----/);
  t.strictSame(await errorOf(client.send(new DescribeCertificateCommand({ certificateId: '0'.repeat(64) }))), ['ResourceNotFoundException', 404]);
  t.strictSame(await errorOf(client.send(new DescribeCertificateCommand({ certificateId: 'x'.repeat(64) }))), ['InvalidRequestException', 400]);
});

void t.test('a certificate that the API made comes in once a policy is attached, and leaves with its status', async (t) => {
  const { client, address, sandbox } = await startApi(t);
  const made = await client.send(new CreateKeysAndCertificateCommand({ setAsActive: true }));
  const [cert = '', key = '', certificateId = '', target = ''] = [made.certificatePem, made.keyPair?.PrivateKey, made.certificateId, made.certificateArn];
  t.match(key, /BEGIN RSA PRIVATE KEY/);
  t.ok(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)));
  t.ok(createPublicKey(made.keyPair?.PublicKey ?? '').equals(createPublicKey(createPrivateKey(key))));
  const tls = { cert, key };
  t.match((await tryRaw(t, address, { clientId: 'c', tls })).connack, { reasonCode: 0x87 }, 'no policy yet');
  await client.send(new CreatePolicyCommand({ policyName: 'all', policyDocument: JSON.stringify(allowAll) }));
  await client.send(new AttachPolicyCommand({ policyName: 'all', target }));
  const session = await connectRaw(t, address, { clientId: 'c', tls });
  t.strictSame(await errorOf(client.send(new DeleteCertificateCommand({ certificateId }))), ['CertificateStateException', 406]);
  const closed = nextNotice(sandbox, 'session-closed');
  await client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }));
  t.match(await closed, { clientId: 'c', reason: 'certificate_not_active' });
  await session.rest();
  t.strictSame(await errorOf(client.send(new DeleteCertificateCommand({ certificateId }))), ['DeleteConflictException', 409], 'a policy is attached');
  await client.send(new CreateThingCommand({ thingName: 'one' }));
  await client.send(new AttachThingPrincipalCommand({ thingName: 'one', principal: target }));
  t.strictSame(await errorOf(client.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }))), ['DeleteConflictException', 409], 'a thing is attached');
  await client.send(new DetachThingPrincipalCommand({ thingName: 'one', principal: target }));
  await client.send(new DeleteCertificateCommand({ certificateId, forceDelete: true }));
  t.strictSame(await errorOf(client.send(new DescribeCertificateCommand({ certificateId }))), ['ResourceNotFoundException', 404]);
});

void t.test('certificates by signing request, listed page by page', async (t) => {
  const { client } = await startApi(t);
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=device', keys, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' } });
  const made = await client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest: request.toString('pem') }));
  const certificate = new X509Certificate(made.certificatePem ?? '');
  t.equal(certificate.subject, 'CN=device');
  t.match((await client.send(new DescribeCertificateCommand({ certificateId: made.certificateId }))).certificateDescription, { status: 'INACTIVE' });
  t.strictSame(await errorOf(client.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest: 'nonsense' }))), ['InvalidRequestException', 400]);
  const first = await client.send(new ListCertificatesCommand({ pageSize: 1 }));
  const second = await client.send(new ListCertificatesCommand({ pageSize: 1, marker: first.nextMarker }));
  t.match([first.certificates?.length, second.certificates], [1, [{ certificateId: made.certificateId }]]);
  t.equal(second.nextMarker, undefined);
  for (const newStatus of ['PENDING_ACTIVATION', 'nonsense'] as 'PENDING_ACTIVATION'[]) {
    t.strictSame(await errorOf(client.send(new UpdateCertificateCommand({ certificateId: made.certificateId, newStatus }))), ['InvalidRequestException', 400]);
  }
});

void t.test('certificates are registered with and without their CA', async (t) => {
  const { client, sandbox } = await startApi(t);
  const signed = await sandbox.createCertificate('other', { register: false });
  const registered = await client.send(new RegisterCertificateCommand({ certificatePem: signed.certificate, status: 'ACTIVE' }));
  t.equal(registered.certificateArn, signed.certificateArn);
  t.strictSame(await errorOf(client.send(new RegisterCertificateCommand({ certificatePem: signed.certificate }))), ['ResourceAlreadyExistsException', 409]);
  t.strictSame(await errorOf(client.send(new RegisterCertificateWithoutCACommand({ certificatePem: signed.certificate }))), ['ResourceAlreadyExistsException', 409]);
  const foreign = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=foreign',
    keys: await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  const certificatePem = foreign.toString('pem');
  t.strictSame(await errorOf(client.send(new RegisterCertificateCommand({ certificatePem }))), ['CertificateValidationException', 400], 'of no registered CA');
  t.strictSame(await errorOf(client.send(new RegisterCertificateCommand({ certificatePem: 'nonsense' }))), ['CertificateValidationException', 400]);
  t.strictSame(await errorOf(client.send(new RegisterCertificateWithoutCACommand({ certificatePem, status: 'PENDING_ACTIVATION' }))), ['CertificateStateException', 406]);
  const { certificateId } = await client.send(new RegisterCertificateWithoutCACommand({ certificatePem, status: 'ACTIVE' }));
  const { certificateDescription } = await client.send(new DescribeCertificateCommand({ certificateId }));
  t.match(certificateDescription, { status: 'ACTIVE', certificateMode: 'SNI_ONLY' });
  t.equal(certificateDescription?.caCertificateId, undefined);
});
