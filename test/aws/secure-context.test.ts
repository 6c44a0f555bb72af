import t from 'tap';
import type { Endpoint } from '../../src/aws/endpoint.js';
import { secureContextOf } from '../../src/aws/secure-context.js';
import { createTestCertificates } from '../support/certificates.js';

void t.test('sessions with the same certificate, key and roots share what was parsed; others do not', async (t) => {
  const { ca, cert, key, ending } = await createTestCertificates();
  const endpoint = (certificate: string, roots?: string[]): Endpoint => ({ host: 'localhost', port: 8883, ...(roots === undefined ? {} : { ca: roots }), auth: { kind: 'certificate', certificate, privateKey: key } });
  const one = secureContextOf(endpoint(cert, [ca]));
  t.equal(secureContextOf({ ...endpoint(cert, [ca]), host: 'elsewhere' }), one);
  t.not(secureContextOf(endpoint(ending, [ca])), one);
  t.not(secureContextOf(endpoint(cert)), one);
  t.not(secureContextOf({ ...endpoint(cert, [ca]), auth: { kind: 'sigv4', region: 'eu-west-1', credentials: () => Promise.reject(new Error('none')) } }), one);
  t.throws(() => secureContextOf(endpoint('no PEM')));
});
