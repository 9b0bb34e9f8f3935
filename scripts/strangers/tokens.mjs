// The access token of the evidence, as a court reads it: proto/SPEC.md, "Tokens".
import { createPublicKey, verify } from 'node:crypto'
import * as v from './values.mjs'
import { key as statementKey } from './statements.mjs'

const { check } = v

// JSON as others write it: free in white space and order, strict in all else.
// Objects come as maps, since JSON.parse would let a member stand twice.
const literal = /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(true|false|null)|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))/y

export function looseObject(data) {
  const source = v.utf8(data)
  let at = 0
  const next = () => {
    literal.lastIndex = at
    const m = literal.exec(source)
    check(m !== null, 'JSON')
    at = literal.lastIndex
    return m
  }
  const text = (m) => {
    const t = JSON.parse(m)
    check(t.isWellFormed() && !t.includes('\ufffd'), 'a text that cannot be told from another')
    return t
  }
  const value = (m, depth) => {
    check(depth <= 8, 'nested too deep')
    if (m[2] !== undefined) return text(m[2])
    if (m[3] !== undefined) return { true: true, false: false, null: null }[m[3]]
    if (m[4] !== undefined) return { number: m[4] }
    check(m[1] === '{' || m[1] === '[', 'JSON')
    const out = m[1] === '{' ? new Map() : []
    const end = m[1] === '{' ? '}' : ']'
    let item = next()
    if (item[1] === end) return out
    for (;;) {
      if (Array.isArray(out)) {
        out.push(value(item, item[1] === undefined ? depth : depth + 1))
      } else {
        check(item[2] !== undefined && next()[1] === ':', 'JSON')
        const name = text(item[2])
        check(!out.has(name), 'a member stands twice')
        const m = next()
        out.set(name, value(m, m[1] === undefined ? depth : depth + 1))
      }
      const after = next()
      if (after[1] === end) return out
      check(after[1] === ',', 'JSON')
      item = next()
    }
  }
  const first = next()
  check(first[1] === '{', 'no JSON object')
  const out = value(first, 1)
  check(/^[ \t\n\r]*$/.test(source.slice(at)), 'something after the object')
  return out
}

const fold = (s) => s.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase()
/** Refuses an object in which a known name stands in other letters. */
function exactly(o, known) {
  const names = new Map(known.map((n) => [fold(n), n]))
  for (const n of o.keys()) check(!names.has(fold(n)) || names.get(fold(n)) === n, 'a known name in other letters')
}
const plain = (s) => typeof s === 'string' && s !== '' && Buffer.byteLength(s) <= 255 && v.isText(s)

/** A token that proves nothing yet. */
export function parseToken(token) {
  check(typeof token === 'string' && Buffer.byteLength(token) <= 8192, 'size of a token')
  const parts = token.split('.')
  check(parts.length === 3 && parts.every((p) => p !== ''), 'no compact JWS')
  const header = looseObject(v.unb64url(parts[0]))
  const claims = looseObject(v.unb64url(parts[1]))
  const t = { claims, input: Buffer.from(parts[0] + '.' + parts[1]), sig: v.unb64url(parts[2]) }
  for (const name of header.keys()) check(['alg', 'kid', 'typ', 'x5t', 'x5t#S256'].includes(name), 'header of a token')
  ;[t.alg, t.kid, t.iss] = [header.get('alg'), header.get('kid'), claims.get('iss')]
  check(['ES256', 'RS256', 'EdDSA'].includes(t.alg) && ['at+jwt', 'application/at+jwt'].includes(header.get('typ')), 'header of a token')
  check(plain(t.kid) && plain(t.iss), 'kid or iss of a token')
  return t
}

function seconds(claims, name, required) {
  if (!claims.has(name) && !required) return 0
  const n = claims.get(name)?.number
  check(n !== undefined && /^[1-9][0-9]{0,11}$/.test(n), `${name} of a token`)
  return Number(n)
}

function atPath(claims, path) {
  if (path === undefined) return ''
  let at = claims
  for (const [i, name] of path.entries()) {
    check(at instanceof Map, 'a claim of another form')
    if (i > 0) exactly(at, [name])
    if (!at.has(name)) return ''
    at = at.get(name)
    check(at !== null, 'a claim of another form')
  }
  check(at === '' || plain(at), 'a claim of another form')
  return at
}

/** Checks a token by the one key of the evidence, on the day it was received. */
export function checkToken(t, jwk, provider, received) {
  const key = evidenceKey(jwk)
  check(t.iss === provider.issuer && key.kid === t.kid && key.alg === t.alg, 'not the key of this token')
  const c = t.claims
  const paths = [provider.hsa_id, provider.name, provider.user_id]
  exactly(c, ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'auth_time', 'acr', 'cnf', 'act', ...paths.filter(Boolean).map((p) => p[0])])
  const aud = c.get('aud')
  check(aud === provider.audience || (Array.isArray(aud) && aud.length === 1 && aud[0] === provider.audience), 'audience of a token')
  check(!c.has('act') && plain(c.get('sub')), 'subject of a token')
  const [exp, iat, nbf, auth] = [seconds(c, 'exp', true), seconds(c, 'iat', true), seconds(c, 'nbf'), seconds(c, 'auth_time')]
  check(iat < exp && exp - iat <= 86400, 'lifetime of a token')
  const now = Math.min(Math.max(v.startOf(received), iat, nbf, auth), v.startOf(v.addDays(received, 1)) - 1)
  check(now < exp + 60 && [iat, nbf, auth].every((x) => x <= now + 60), 'a token outside its time')
  const cnf = c.get('cnf')
  check(!c.has('cnf') || (cnf instanceof Map && cnf.size === 1 && cnf.has('jkt')), 'binding of a token')
  if (cnf) check(typeof cnf.get('jkt') === 'string' && v.unb64url(cnf.get('jkt')).length === 32, 'binding of a token')
  const out = { issuer: t.iss, subject: c.get('sub'), auth_time: auth, jkt: cnf?.get('jkt') }
  for (const [name, path] of Object.entries({ hsa_id: provider.hsa_id, name: provider.name, user_id: provider.user_id, acr: ['acr'], jti: ['jti'] })) out[name] = atPath(c, path)
  const options = { ES256: { key: key.node, dsaEncoding: 'ieee-p1363' }, RS256: key.node, EdDSA: key.node }[key.alg]
  check(verify(key.alg === 'EdDSA' ? null : 'sha256', t.input, options, t.sig), 'signature of a token')
  return out
}

const types = { EC: { crv: 'P-256', alg: 'ES256' }, OKP: { crv: 'Ed25519', alg: 'EdDSA' }, RSA: { alg: 'RS256' } }

/** A provider's key in the form that it has in the evidence, and no other. */
function evidenceKey(text) {
  check(Buffer.byteLength(text) <= 2048, 'a key in the evidence')
  const j = v.parse(text)
  const name = v.text(1, 2048)
  v.object({ alg: name, 'crv?': name, 'e?': name, kid: name, kty: name, 'n?': name, 'x?': name, 'y?': name })(j)
  return load(j)
}

function load(j) {
  const type = types[j.kty]
  check(plain(j.kid) && type !== undefined && j.alg === type.alg && j.crv === type.crv, 'type of a key')
  if (j.kty !== 'RSA') {
    check(j.n === undefined && j.e === undefined, 'type of a key')
    const { crv, kty, x, y } = j
    return { alg: j.alg, kid: j.kid, node: statementKey(y === undefined ? { crv, kty, x } : { crv, kty, x, y }).node }
  }
  check(j.x === undefined && j.y === undefined, 'type of a key')
  const integer = (s) => {
    const b = v.unb64url(s ?? '')
    check(b.length > 0 && b[0] !== 0, 'an integer with leading zeros')
    return BigInt('0x' + b.toString('hex'))
  }
  const [n, e] = [integer(j.n), integer(j.e)]
  const bits = n.toString(2).length
  check(bits >= 2048 && bits <= 4096 && n & 1n && e & 1n && e >= 65537n && e < 2n ** 31n && !roca(n), 'an RSA key that is not used')
  return { alg: j.alg, kid: j.kid, node: createPublicKey({ key: { kty: 'RSA', n: j.n, e: j.e }, format: 'jwk' }) }
}

function roca(n) {
  for (let p = 3n; p <= 167n; p += 2n) {
    if ([3n, 5n, 7n, 11n, 13n].some((q) => q < p && p % q === 0n)) continue
    let power = 1n
    while (power !== n % p) if ((power = (power * 65537n) % p) === 1n) return false
  }
  return true
}

/** The key of a JWKS with this kid and alg, in its form in the evidence. */
export function findKey(jwks, kid, alg) {
  check(jwks.length <= 65536, 'size of a key set')
  const keys = looseObject(jwks).get('keys')
  check(Array.isArray(keys) && keys.length <= 64, 'no key set')
  const kidOf = (k) => (k instanceof Map && typeof k.get('kid') === 'string' ? k.get('kid') : '')
  const found = keys.filter((k) => k instanceof Map && kidOf(k) === kid)
  check(found.length === 1, 'the provider had not published the key')
  const [k] = found
  exactly(k, ['alg', 'crv', 'd', 'e', 'k', 'key_ops', 'kid', 'kty', 'n', 'use', 'x', 'y'])
  for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) check(!k.has(secret), 'a secret was published')
  check(!k.has('use') || k.get('use') === 'sig', 'use of a key')
  check(!k.has('key_ops') || (Array.isArray(k.get('key_ops')) && k.get('key_ops').includes('verify')), 'use of a key')
  const j = {}
  for (const name of ['alg', 'crv', 'e', 'kid', 'kty', 'n', 'x', 'y']) {
    const given = k.has(name) ? k.get(name) : name === 'alg' ? types[k.get('kty')]?.alg : undefined
    check(given === undefined || (typeof given === 'string' && given !== ''), 'a key of another form')
    if (given !== undefined) j[name] = given
  }
  load(j)
  check(j.alg === alg, 'the provider had not published the key')
  return JSON.stringify(j)
}
