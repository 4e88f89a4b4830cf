/** Names that the server makes. */
import { randomBytes } from 'node:crypto';

/** Five characters of apimachinery's `rand.String`: no vowels, so that no word comes out. */
export function nameSuffix(): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from(randomBytes(5), (byte) => alphabet[byte % alphabet.length]).join('');
}
