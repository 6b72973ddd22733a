// Opens a record of onetoken, as docs/interop.md describes it. Node 18 or later, no packages.
//
//   node open.mjs <document.json
//
// The document: {"public": [...], "secret": [...], "id": "...", "record": {"sealed", "fingerprint",
// "life", "ends_at"}, "pttl": 1, "now": 1}. All of the record is text, as Redis has it. Without an id
// it is made of the public parts. With pttl (PTTL of the key, ms) also ends_at and now (Redis'
// TIME, ms) are needed, and it prints how long the token lasts: never leave this out where the
// record comes from Redis. Reads only: nobody but onetoken writes these keys.
import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';

const longestToken = 32 * 1024; // bytes, both together
const longestSeal = 43744; // characters
const longestLife = 3650 * 24 * 3600 * 1000; // ms

// Refused says why, never with a token, a secret or a seal in it.
class Refused extends Error {}

function refuse(why) {
  throw new Refused(why);
}

// withLengths writes each part as its length in bytes, a colon and the bytes.
function withLengths(...parts) {
  return Buffer.concat(parts.map((part) => {
    const bytes = Buffer.from(part);
    return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
  }));
}

// cutPart takes the first part off what withLengths wrote.
function cutPart(bytes) {
  const colon = bytes.indexOf(':');
  const digits = bytes.subarray(0, Math.max(colon, 0)).toString('latin1');
  if (!/^(0|[1-9][0-9]{0,4})$/.test(digits)) refuse('what was sealed is no pair of tokens');
  const end = colon + 1 + Number(digits);
  if (end > bytes.length) refuse('what was sealed is no pair of tokens');
  return [bytes.subarray(colon + 1, end), bytes.subarray(end)];
}

function derive(publicParts, secretParts, info, size) {
  if (secretParts.join('') === '') refuse('there is no secret');
  return Buffer.from(hkdfSync('sha256', withLengths(...secretParts), withLengths(...publicParts), info, size));
}

// escape percent-encodes every byte but [A-Za-z0-9_.-].
function escape(text) {
  return Array.from(Buffer.from(text), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9_.-]/.test(char) ? char : '%' + byte.toString(16).toUpperCase().padStart(2, '0');
  }).join('');
}

// millis reads a whole number as the record has it: digits, no leading zero.
function millis(text, what) {
  if (typeof text !== 'string' || !/^(0|[1-9][0-9]{0,14})$/.test(text)) refuse(`${what} is no number`);
  return Number(text);
}

function unbase64url(text) {
  if (typeof text !== 'string' || text.length < 38 || text.length > longestSeal) refuse('the seal is too short or too long');
  const bytes = Buffer.from(text, 'base64url'); // takes anything: so look what it took
  if (bytes.toString('base64url') !== text) refuse('the seal is not canonical base64url');
  return bytes;
}

function openSeal(key, sealed, additionalData) {
  const bytes = unbase64url(sealed);
  const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
  cipher.setAAD(additionalData);
  cipher.setAuthTag(bytes.subarray(-16));
  try {
    return Buffer.concat([cipher.update(bytes.subarray(12, -16)), cipher.final()]);
  } catch {
    return refuse('the seal cannot be opened');
  }
}

// utf8 is strict; onetoken itself takes any bytes for a token.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function openRecord(key, id, record) {
  const life = millis(record.life, 'life');
  if (life < 1 || life > longestLife) refuse('life is out of range');
  if (typeof record.fingerprint !== 'string') refuse('there is no fingerprint');
  const [app, rest] = cutPart(openSeal(key, record.sealed, withLengths('record', id, record.fingerprint, record.life)));
  const [tenant, leftover] = cutPart(rest);
  if (leftover.length > 0) refuse('what was sealed is no pair of tokens');
  const size = app.length + tenant.length;
  if (size === 0 || size > longestToken) refuse('what was sealed is no pair of tokens');
  const fingerprint = createHash('sha256').update(withLengths(app, tenant)).digest('hex').slice(0, 32);
  if (fingerprint !== record.fingerprint) refuse('what was sealed has another fingerprint');
  return { app_access_token: utf8.decode(app), tenant_access_token: utf8.decode(tenant) };
}

// remaining is how long the token lasts, in ms, counted from before Redis was asked.
function remaining(record, pttl, now) {
  const life = millis(record.life, 'life');
  const left = millis(record.ends_at, 'ends_at') - now;
  if (!Number.isSafeInteger(pttl) || !Number.isSafeInteger(now)) refuse('pttl and now are whole numbers');
  if (pttl < 1) refuse('no TTL, or no record'); // -1, -2
  if (pttl > life) refuse('TTL beyond life');
  if (left < 1) refuse('past its end');
  if (left > life) refuse('end beyond life');
  return Math.min(pttl, left);
}

try {
  const { public: publicParts, secret, id: given, record, pttl, now } = JSON.parse(readFileSync(0, 'utf8'));
  const digest = derive(publicParts, secret, 'onetoken/1 id', 16).toString('hex');
  const id = given ?? `${escape(publicParts[0])}:${escape(publicParts[1])}:${digest}`;
  if (!id.endsWith(`:${digest}`)) refuse('the id is of another credential');
  const tokens = openRecord(derive(publicParts, secret, 'onetoken/1 seal', 32), id, record);
  const lasts = pttl === undefined ? {} : { remaining_ms: remaining(record, pttl, now) };
  console.log(JSON.stringify({ id, digest, ...tokens, ...lasts }));
} catch (error) {
  const why = error instanceof Refused ? error.message : `the document is not as expected (${error.name})`; // others quote
  console.error(`refused: ${why}`);
  process.exitCode = 1;
}
