// Bytes, values and canonical JSON, as proto/SPEC.md has them ("Values" and
// "Canonical JSON"). A shape is a function that returns a value or refuses it.
import { createHash, createHmac, hkdfSync } from 'node:crypto'

/** What does not verify. Its message says which rule, never a value. */
export class Refused extends Error {}
/** A package for another recipient key. */
export class NotForKey extends Error {}
/** What these tools do not know how to judge. */
export class CannotTell extends Error {}

export const refuse = (why) => {
  throw new Refused(why)
}
export const check = (ok, why) => (ok ? true : refuse(why))

export const bytes = (...parts) => Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : Buffer.from(p))))
export const sha256 = (...parts) => createHash('sha256').update(bytes(...parts)).digest()
export const hmac = (key, ...parts) => createHmac('sha256', key).update(bytes(...parts)).digest()
export const hkdf = (ikm, salt, info) => Buffer.from(hkdfSync('sha256', ikm, salt, info, 32))
export const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0
export const u16 = (n) => Buffer.from([n >> 8, n & 255])
export const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b }
export const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b }

export const b64url = (b) => Buffer.from(b).toString('base64url')
export function unb64url(s) {
  const b = Buffer.from(s, 'base64url')
  check(typeof s === 'string' && b.toString('base64url') === s, 'base64url')
  return b
}
export function unb64(s) {
  const b = Buffer.from(s, 'base64')
  check(typeof s === 'string' && b.toString('base64') === s, 'base64')
  return b
}
export function utf8(b) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(b)
  } catch {
    return refuse('UTF-8')
  }
}

const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
export const isText = (s) => typeof s === 'string' && s.isWellFormed() && !forbidden.test(s)

/** Reads canonical JSON. Members that its type does not list are for shapes. */
export function parse(data) {
  const text = typeof data === 'string' ? data : utf8(data)
  let v
  try {
    v = JSON.parse(text)
  } catch {
    refuse('JSON')
  }
  walk(v)
  check(JSON.stringify(v) === text, 'not canonical JSON')
  return v
}

function walk(v) {
  if (typeof v === 'string') return check(isText(v), 'a character that no text may hold')
  if (typeof v === 'number') return check(Number.isSafeInteger(v), 'a number that is no integer')
  if (typeof v === 'boolean') return true
  check(v !== null, 'null')
  if (Array.isArray(v)) return v.forEach(walk)
  const names = Object.keys(v)
  names.forEach((n, i) => check(isText(n) && (i === 0 || names[i - 1] < n), 'members out of order'))
  names.forEach((n) => walk(v[n]))
}

// Shapes.
const empty = (v) => v === '' || v === 0 || v === false || (Array.isArray(v) && v.length === 0)

/** An object of exactly these members; a name that ends in ? is optional. */
export const object = (members) => (v) => {
  check(typeof v === 'object' && v !== null && !Array.isArray(v), 'no object')
  const left = new Set(Object.keys(v))
  for (const [key, shape] of Object.entries(members)) {
    const optional = key.endsWith('?')
    const name = optional ? key.slice(0, -1) : key
    if (!left.delete(name)) {
      check(optional, `${name} is missing`)
      continue
    }
    check(!optional || !empty(v[name]), `${name} is present and empty`)
    try {
      shape(v[name])
    } catch (e) {
      throw e instanceof Refused ? new Refused(`${name}: ${e.message}`) : e
    }
  }
  check(left.size === 0, 'an unknown member')
  return v
}
export const list = (shape, min, max) => (v) => {
  check(Array.isArray(v) && v.length >= min && v.length <= max, 'no list, or of a wrong length')
  v.forEach(shape)
  return v
}
export const text = (min, max) => (v) => {
  check(typeof v === 'string' && Buffer.byteLength(v) >= min && Buffer.byteLength(v) <= max, 'no text, or of a wrong length')
  return v
}
export const int = (min, max = Number.MAX_SAFE_INTEGER) => (v) => check(Number.isSafeInteger(v) && v >= min && v <= max, 'no integer, or out of range')
export const oneOf = (...values) => (v) => check(values.includes(v), 'not a permitted value')
export const yes = oneOf(true)
export const binary = (min, max) => (v) => {
  const n = unb64url(v).length
  check(n >= min && n <= max, 'bytes of a wrong length')
}
export const digest = (v) => check(unb64url(v).length === 32 && !unb64url(v).equals(Buffer.alloc(32)), 'no digest')
export const digests = (min, max) => (v) => {
  list(digest, min, max)(v)
  v.forEach((d, i) => check(i === 0 || Buffer.compare(unb64url(v[i - 1]), unb64url(d)) < 0, 'digests out of order'))
}
export const different = (v) => check(new Set(v.map((x) => JSON.stringify(x))).size === v.length, 'the same twice')
export const all = (...shapes) => (v) => shapes.forEach((s) => s(v))

const base32 = 'abcdefghijklmnopqrstuvwxyz234567'
export const id = (v) => check(typeof v === 'string' && /^[a-z2-7]{25}[aeimquy4]$/.test(v), 'no identifier')
export function idBytes(v) {
  let n = 0n
  for (const c of v) n = n * 32n + BigInt(base32.indexOf(c))
  return Buffer.from((n >> 2n).toString(16).padStart(32, '0'), 'hex')
}
export function idText(b) {
  let n = BigInt('0x' + Buffer.from(b).toString('hex')) << 2n
  let s = ''
  for (let i = 0; i < 26; i++, n >>= 5n) s = base32[Number(n & 31n)] + s
  return s
}

export function authority(v) {
  check(typeof v === 'string' && /^[0-9]{2}[2-9][0-9]{3}-[0-9]{4}$/.test(v), 'no organisation number')
  const sum = [...v.replace('-', '')].reduce((s, c, i) => {
    const d = Number(c) * (i % 2 === 0 ? 2 : 1)
    return s + (d > 9 ? d - 9 : d)
  }, 0)
  check(sum % 10 === 0, 'no organisation number')
}

// Dates are texts, which sort as they follow each other.
export function date(v) {
  check(typeof v === 'string' && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(v) && v >= '1970', 'no date')
  const t = new Date(v + 'T00:00:00Z')
  check(!Number.isNaN(t.getTime()) && t.toISOString().slice(0, 10) === v, 'no date')
}
const day = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Stockholm', year: 'numeric', month: '2-digit', day: '2-digit' })
/** The day in Sweden at a time in seconds. */
export const dateOf = (seconds) => day.format(new Date(seconds * 1000))
export const dayNumber = (d) => Date.parse(d + 'T00:00:00Z') / 86400000
export const addDays = (d, n) => new Date(Date.parse(d + 'T00:00:00Z') + n * 86400000).toISOString().slice(0, 10)
export const within = (d, from, until) => from <= d && (until === undefined || d <= until)
/** The second at which a day begins in Sweden, one or two hours before UTC. */
export function startOf(d) {
  const t = Date.parse(d + 'T00:00:00Z') / 1000
  return dateOf(t - 7200) === d ? t - 7200 : t - 3600
}
