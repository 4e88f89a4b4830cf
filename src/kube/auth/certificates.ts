/** Which certificates of an API server are trusted, by the rules of Go's crypto/x509, which kubectl uses. */

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls';

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Parses CA, certificate and key.
 *
 * Every certificate of the bundle is an anchor: an intermediate or the server's own as much as a root. Blocks that are not certificates are
 * skipped, as Go does. Without a CA, the roots of the runtime are trusted.
 *
 * @throws Error if the CA holds no certificate, or certificate and key do not belong together.
 */
export function makeSecureContext({
  ca,
  cert,
  key,
}: {
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}): SecureContext {
  return createSecureContext({
    ...(ca !== undefined && { ca: anchorsIn(ca) }),
    cert,
    key,
    allowPartialTrustChain: true,
  });
}

/** How the name that a server has to prove is sent by SNI and checked. An address cannot be sent by SNI, but is checked all the same. */
export function identityOf(name: string): {
  readonly servername: string;
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined;
} {
  return {
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
  };
}

function anchorsIn(bundle: Buffer): string[] {
  const anchors = (bundle.toString('latin1').match(PEM_BLOCK) ?? []).filter(isCertificate);
  if (anchors.length === 0) throw new Error('the CA holds no certificate in PEM');
  return anchors;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem) instanceof X509Certificate;
  } catch {
    return false;
  }
}
