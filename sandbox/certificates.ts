/**
 * X.509 certificates made on demand: nothing on disk can expire, and no tool needs to be installed. Node.js makes keys and signatures but
 * no certificates, so the few DER structures of RFC 5280 that TLS needs are encoded here.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A certificate and its private key, both as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority {
  /** PEM, for a client's or a server's `ca`. */
  readonly cert: string;
  /** @param names DNS names and IPv4 addresses, put into the subject alternative name. */
  issueServer(...names: readonly string[]): Certificate;
  /** A client certificate; the API server would read `commonName` as the user's name. */
  issueClient(commonName: string): Certificate;
  /** An intermediate authority. */
  issueAuthority(commonName: string): CertificateAuthority;
}

/**
 * Makes a new authority with a new P-256 key. All of its certificates are valid from an hour ago until tomorrow.
 */
export function createAuthority(commonName = 'sandbox authority'): CertificateAuthority {
  const keys = newKeys();
  return authorityOf(
    commonName,
    keys.privateKey,
    certificateOf({
      issuer: nameOf(commonName),
      signer: keys.privateKey,
      subject: nameOf(commonName),
      publicKey: keys.publicKey,
      extensions: [MAY_ISSUE],
    }),
  );
}

function authorityOf(commonName: string, signer: KeyObject, cert: string): CertificateAuthority {
  const issuer = nameOf(commonName);
  const issue = (subject: string, extensions: readonly Buffer[]): Certificate => {
    const { publicKey, privateKey } = newKeys();
    return {
      cert: certificateOf({ issuer, signer, subject: nameOf(subject), publicKey, extensions }),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  };
  return {
    cert,
    issueServer: (...names) =>
      issue('sandbox server', [
        extension(OID.subjectAltName, sequence(...names.map(generalNameOf))),
        extension(OID.extendedKeyUsage, sequence(objectId(OID.serverAuth))),
      ]),
    issueClient: (name) => issue(name, [extension(OID.extendedKeyUsage, sequence(objectId(OID.clientAuth)))]),
    issueAuthority: (name) => {
      const { publicKey, privateKey } = newKeys();
      const subject = nameOf(name);
      return authorityOf(
        name,
        privateKey,
        certificateOf({ issuer, signer, subject, publicKey, extensions: [MAY_ISSUE] }),
      );
    },
  };
}

const OID = {
  commonName: '2.5.4.3',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

interface Unsigned {
  readonly issuer: Buffer;
  readonly signer: KeyObject;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function certificateOf({ issuer, signer, subject, publicKey, extensions }: Unsigned): string {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const validity = sequence(utcTime(Date.now() - 3_600_000), utcTime(Date.now() + 86_400_000));
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    // A leading 0x01 keeps the random serial number positive and free of superfluous zeros.
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    issuer,
    validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const der = sequence(body, algorithm, bitString(sign('sha256', body, signer)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  const { length } = bytes;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...header), bytes]);
}

const sequence = (...content: readonly Buffer[]): Buffer => tagged(0x30, ...content);
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes);
const bitString = (bytes: Buffer): Buffer => tagged(0x03, Buffer.of(0), bytes);
const octetString = (bytes: Buffer): Buffer => tagged(0x04, bytes);
const TRUE = tagged(0x01, Buffer.of(0xff));

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const base128 = (arc: number): number[] => {
    const bytes = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  };
  return tagged(0x06, Buffer.of(first * 40 + second, ...rest.flatMap(base128)));
}

/** `YYMMDDHHMMSSZ` */
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`, 'ascii'));
}

function nameOf(commonName: string): Buffer {
  const attribute = sequence(objectId(OID.commonName), tagged(0x0c, Buffer.from(commonName, 'utf8')));
  return sequence(tagged(0x31, attribute));
}

function generalNameOf(name: string): Buffer {
  return isIPv4(name)
    ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
    : tagged(0x82, Buffer.from(name, 'ascii'));
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(objectId(id), ...(isCritical ? [TRUE] : []), octetString(value));
}

const MAY_ISSUE = extension(OID.basicConstraints, sequence(TRUE), true);
