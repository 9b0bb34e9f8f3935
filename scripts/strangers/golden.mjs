// Reads the golden vectors of the repository with the code of court.mjs: what
// the one says of the formats and what the other reads must be the same.
//
//	node golden.mjs KEYS
//
// KEYS is the folder keys/. It prints how many vectors it held; exit code 0: all.
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import * as log from './log.mjs'
import * as seal from './seal.mjs'
import * as s from './statements.mjs'
import * as tokens from './tokens.mjs'
import * as v from './values.mjs'
import { trust, verifyBundle } from './bundle.mjs'
import { recipientSeed } from './court.mjs'

const [keys] = process.argv.slice(2)
const hex = (h) => Buffer.from(h, 'hex')
let held = 0
function holds(ok, what) {
  if (!ok) throw new Error(`does not hold: ${what}`)
  held++
}
function refuses(what, f) {
  try {
    f()
  } catch (e) {
    if (e instanceof v.Refused) return held++
    throw e
  }
  throw new Error(`not refused: ${what}`)
}
const lines = (path) => readFileSync(`${keys}/${path}`, 'utf8').split('\n').filter((l) => l !== '' && !l.startsWith('#'))
/** Lines of name and value, parted by a colon and a space or by a space alone. */
const named = (path, separator = ': ') => Object.fromEntries(lines(path).map((l) => [l.slice(0, l.indexOf(separator)), l.slice(l.indexOf(separator) + separator.length)]))

function values() {
  for (const [kind, a, b, c] of lines('ident/testdata/values.txt').map((l) => l.split(' '))) {
    if (kind === 'id') holds(v.id(b) && v.idText(hex(a)) === b && v.idBytes(b).equals(hex(a)), b)
    if (kind === 'digest') holds(v.b64url(v.sha256(hex(a === '-' ? '' : a))) === b, b)
    if (kind === 'date') holds((v.date(a), v.dayNumber(a)) === Number(b) && v.startOf(a) === Number(c), a)
    if (kind === 'day') holds(v.dateOf(Number(a)) === b, b)
    if (kind === 'authority') holds(v.authority(a) ?? true, a)
  }
}

const base64url = (b) => Buffer.from(b).toString('base64url')
/** The public key of a test key's name. */
function testKey(name, alg) {
  const secret = v.sha256(`sigill test ${name}`)
  if (alg === 'EdDSA') return s.key({ crv: 'Ed25519', kty: 'OKP', x: base64url(ed25519.getPublicKey(secret)) })
  const point = p256.getPublicKey(secret, false)
  return s.key({ crv: 'P-256', kty: 'EC', x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) })
}
const headerOf = (compact) => JSON.parse(Buffer.from(compact.split('.')[0], 'base64url'))

const shapes = {
  'sigill-draft+jws': s.draft, 'sigill-approval+jws': s.approval, 'sigill-decision+jwt': s.decision, 'sigill-authorship+jws': s.authorship,
  'sigill-dissent+jws': s.dissent, 'sigill-delegation-order+jws': s.delegation, 'sigill-reviewer-set+jws': s.reviewerSet,
  'sigill-requester+jws': s.requester, 'sigill-provider-keys+jws': s.providerKeys, 'sigill-opening-request+jws': s.request,
  'sigill-opening-vote+jws': s.vote, 'sigill-opening-release+jws': s.release,
}

function statement(compact, name, payload, where) {
  const { alg, jwk, typ } = headerOf(compact)
  const shape = shapes[typ] ?? (() => {}) // acts that no package holds
  const key = testKey(name, alg)
  const read = s.read(compact, typ, shape, s.among([key]), { embedded: jwk !== undefined, certified: typ.endsWith('+jwt') })
  holds(read.key.thumbprint === key.thumbprint && read.raw.toString() === payload, where)
  return read
}

function statements() {
  for (const folder of ['statement', 'opening']) {
    for (const f of readdirSync(`${keys}/${folder}/testdata`).filter((n) => n.endsWith('.txt'))) {
      const t = named(`${folder}/testdata/${f}`)
      holds(statement(t.compact, t.key, t.payload, f).digest === t.digest, f)
    }
  }
  for (const f of readdirSync(`${keys}/order/testdata`).filter((n) => n.endsWith('.txt'))) {
    const t = named(`order/testdata/${f}`)
    for (let i = 1; t[`compact${i}`] !== undefined; i++) holds(v.b64url(v.sha256(statement(t[`compact${i}`], t[`key${i}`], t.payload, f).raw)) === t.digest, f)
  }
  for (const f of ['eddsa', 'es256']) {
    const t = named(`jws/testdata/${f}.txt`)
    const key = s.key(JSON.parse(t.jwk))
    const read = (compact, embedded) => s.read(compact, 'sigill-sample+jws', () => {}, s.among([key]), { embedded })
    holds(key.thumbprint === t.thumbprint && read(t.compact, false).digest === t.digest, f)
    if (t.embedded) holds(read(t.embedded, true).key.thumbprint === t.thumbprint, f)
    if (t.twin) refuses('a twin', () => read(t.twin, false))
  }
}

async function seals() {
  const t = named('seal/testdata/seal.txt', ' ')
  const o = named('unseal/testdata/opening.txt', ' ')
  const r = named('record/testdata/sections.txt', ' ')
  const h = seal.head(hex(t.head))
  holds(v.sha256(hex(t.head)).equals(hex(t['core-digest'])) && h.decision === t.decision && h.draft === v.b64url(hex(t.draft)), 'head')
  holds(seal.recordCommitment(h) === v.b64url(hex(r['record-commitment'])), 'record commitment')
  holds(seal.authorCommitment(hex(r['author-nonce']), r['author-issuer'], r['author-subject']) === v.b64url(hex(r['author-commitment'])), 'author commitment')
  const seed = hex(o['recipient-seed'])
  const recipient = seal.publicKey(seed)
  holds(v.sha256(recipient).equals(hex(o['recipient-key-sha256'])), 'recipient key')
  const about = { request: v.b64url(hex(o.request)), recipient, root: v.b64url(hex(o.checkpoint)) }
  const shares = []
  for (const at of ['1/2', '1/4', '2/3']) {
    const vector = seal.releaseVector(hex(o[`release/${at}`]))
    const scalars = await seal.openVector(h, vector, seed, about)
    holds(scalars.filter((x) => x !== undefined).length === 2, `release ${at}`)
    shares.push({ group: vector.group, index: vector.index, scalars })
  }
  for (const section of [1, 5]) holds(JSON.stringify(seal.openSection(h, section, hex(o[`ciphertext/${section}`]), shares)) === r[`json/${section}`], `section ${section}`)
  refuses('too few shares', () => seal.openSection(h, 1, hex(o['ciphertext/1']), shares.slice(1)))
}

function logs() {
  const read = (f) => readFileSync(`${keys}/proof/testdata/${f}`, 'utf8')
  const policy = log.policy(read('unwitnessed.policy').trimEnd().split('\n'), '229999-0008')
  const at = log.included(read('five-of-nine.tlog-proof').trimEnd().split('\n'), hex(read('five-of-nine.entry').trim()), policy, '229999-0008')
  holds(at.index === 4 && at.size === 9, 'proof')
  holds(log.checkpoint(read('nine.checkpoint'), policy, '229999-0008').root === at.root, 'checkpoint')
  holds(log.checkpoint(read('empty.checkpoint'), policy, '229999-0008').size === 0, 'empty checkpoint')
  const day = (f) => log.day(read(f), '2027-01-04', policy, '229999-0008')
  const whole = day('three-to-nine.day')
  holds(whole.entries.length === 6 && v.same(whole.entries[1], hex(read('five-of-nine.entry').trim())) && whole.before.size === 3 && whole.after.root === at.root, 'day')
  holds(day('quiet.day').entries.length === 0 && day('quiet.day').before.root === at.root, 'quiet day')
  holds(day('empty.day').after.size === 0, 'empty day')
  const lines = read('three-to-nine.day').split('\n')
  for (const i of [1, 2, 3, 6, 12, 13]) {
    const less = [...lines.slice(0, i), ...lines.slice(i + 1)].join('\n')
    refuses(`a day without line ${i}`, () => log.day(less, '2027-01-04', policy, '229999-0008'))
  }
}

function access() {
  const t = named('token/testdata/access.txt')
  const provider = { issuer: t.issuer, audience: t.audience, name: ['name'] }
  const check = (token, alg) => tokens.checkToken(tokens.parseToken(token), t[`key-${alg}`], provider, v.dateOf(Number(t.received)))
  for (const alg of ['ES256', 'RS256', 'EdDSA']) {
    const unread = tokens.parseToken(t[`token-${alg}`])
    holds(tokens.findKey(Buffer.from(t.jwks), unread.kid, unread.alg) === t[`key-${alg}`], alg)
    const login = check(t[`token-${alg}`], alg)
    holds(login.subject === t.sub && login.name === t.name && login.acr === t.acr && login.auth_time === Number(t.auth_time) && login.jkt === t.jkt, alg)
  }
  holds(check(t.twin, 'ES256').subject === t.sub, 'twin of a token')
  refuses('a key of another', () => check(t['token-ES256'], 'EdDSA'))
}

function keyFiles() {
  const plain = lines('keyfile/testdata/plaintexts.txt').map((l) => l.split(' ').slice(1).join(' '))
  for (const p of plain) {
    const k = JSON.parse(p)
    if (k.use === 'recipient') holds(recipientSeed(Buffer.from(p)).equals(v.unb64url(k.seed)), k.use)
    else refuses(k.use, () => recipientSeed(Buffer.from(p)))
    if (k.key) holds(createPublicKey(createPrivateKey({ key: k.key, format: 'jwk' })).export({ format: 'jwk' }).x === k.key.x, k.use)
  }
}

function bundles() {
  const read = (f) => readFileSync(`${keys}/bundle/testdata/${f}`).subarray(0, -1)
  const t = trust(read('trust.json'))
  holds(verifyBundle(read('bundle.json'), t).decision.payload.authority === t.authority, 'bundle')
  refuses('a bundle with a line feed', () => verifyBundle(Buffer.concat([read('bundle.json'), Buffer.from('\n')]), t))
}

values()
statements()
await seals()
logs()
access()
keyFiles()
bundles()
console.log(held)
