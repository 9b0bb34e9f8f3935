// Statements, keys and documents, as proto/SPEC.md has them ("Statements",
// "Statements on a decision", "Documents of authority").
import { createPublicKey, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import * as v from './values.mjs'

const { check } = v
const n256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A public JWK as this page has it: required members alone, in order. */
export const jwk = (j) => {
  if (j.kty === 'OKP') {
    v.object({ crv: v.oneOf('Ed25519'), kty: v.oneOf('OKP'), x: v.binary(32, 32) })(j)
    try {
      check(!ed25519.Point.fromBytes(v.unb64url(j.x)).isSmallOrder(), 'a key of small order')
    } catch {
      v.refuse('no point of Ed25519')
    }
  } else {
    v.object({ crv: v.oneOf('P-256'), kty: v.oneOf('EC'), x: v.binary(32, 32), y: v.binary(32, 32) })(j)
  }
}

/** A key to verify with: its thumbprint, algorithm, and Node's own. */
export function key(j) {
  jwk(j)
  let node
  try {
    node = createPublicKey({ key: j, format: 'jwk' })
  } catch {
    v.refuse('no public key')
  }
  return { jwk: j, thumbprint: v.b64url(v.sha256(JSON.stringify(j))), alg: j.kty === 'OKP' ? 'EdDSA' : 'ES256', node }
}

/** Among some keys, the one of a thumbprint. */
export const among = (keys) => (kid) => keys.find((k) => k.thumbprint === kid)

export const statementDigest = (compact) => v.b64url(v.sha256(compact))

const header = v.object({
  alg: v.oneOf('EdDSA', 'ES256'), 'iat?': v.int(1), 'jwk?': jwk, 'kid?': v.digest, typ: v.text(1, 100),
  'x5c?': v.list(v.text(1, 65536), 1, 16), 'x5t#S256?': v.digest,
})

/**
 * Reads a statement: find gives the key of a kid; embedded says that it carries
 * its own. The payload is read only once the signature has been found right.
 */
export function read(compact, typ, shape, find, { embedded = false, certified = false } = {}) {
  check(typeof compact === 'string' && compact.length <= 262144, 'longer than a statement')
  const parts = compact.split('.')
  check(parts.length === 3 && parts[2] !== '', 'no compact JWS')
  const h = header(v.parse(v.unb64url(parts[0])))
  check(h.typ === typ, `not a ${typ}`)
  check((h.jwk !== undefined) === embedded && (h.kid !== undefined) === !embedded, 'kid or jwk')
  check(certified || (h.iat === undefined && h.x5c === undefined && h['x5t#S256'] === undefined), 'a header that only a decision has')
  const k = embedded ? key(h.jwk) : find(h.kid)
  check(k !== undefined, `${typ}: signed by a key that is not known`)
  check(h.alg === k.alg && (!embedded || k.alg === 'EdDSA'), 'another algorithm than the key has')
  const sig = v.unb64url(parts[2])
  check(sig.length === 64 && signed(k, Buffer.from(parts[0] + '.' + parts[1]), sig), `${typ}: the signature does not fit`)
  const payload = v.parse(v.unb64url(parts[1]))
  try {
    shape(payload)
  } catch (e) {
    throw e instanceof v.Refused ? new v.Refused(`${typ}: ${e.message}`) : e
  }
  return { payload, header: h, key: k, digest: statementDigest(compact), raw: v.unb64url(parts[1]) }
}

function signed(k, input, sig) {
  if (k.alg === 'EdDSA') return verify(null, input, k.node, sig)
  const s = BigInt('0x' + sig.subarray(32).toString('hex'))
  return s <= n256 / 2n && verify('sha256', input, { key: k.node, dsaEncoding: 'ieee-p1363' }, sig)
}

/** Reads a document that at least need of the keys have signed. */
export function document(signatures, typ, shape, keys, need) {
  check(Array.isArray(signatures) && signatures.length >= 1 && signatures.length <= 16, `${typ}: number of signatures`)
  const all = signatures.map((s) => read(s, typ, shape, among(keys)))
  check(all.every((d) => d.raw.equals(all[0].raw)), `${typ}: different payloads`)
  const signers = new Set(all.map((d) => d.key.thumbprint))
  check(signers.size === all.length && signers.size >= need, `${typ}: not enough keys have signed`)
  return { payload: all[0].payload, digest: v.b64url(v.sha256(all[0].raw)) }
}

// Shapes of payloads.
const compact = v.text(1, 262144)
const cite = v.object({ decision: v.id, statement: v.digest })
export const order = v.object({ digest: v.digest, version: v.int(1) })
const epoch = v.object({ digest: v.digest, epoch: v.int(1, 2 ** 31 - 1) })
const modes = ['EXECUTIVE_DECIDES', 'DELEGATE_DECIDES', 'BOARD_DECIDES']
const shown = v.oneOf('shown', 'omitted')
const checkpoint = (min) => v.object({ root: v.digest, size: v.int(min) })

export const sectionNames = ['DECIDER', 'PRESENTER', 'PARTICIPANTS', 'DISSENT_AUTHOR', 'BIAS_DECLARATION', 'ASSESSMENT', 'EVIDENCE']
export const sections = (min) => (l) => {
  v.list(v.oneOf(...sectionNames), min, 7)(l)
  l.forEach((s, i) => check(i === 0 || sectionNames.indexOf(l[i - 1]) < sectionNames.indexOf(s), 'sections out of order'))
}

const reference = (s) => {
  v.text(1, 64)(s)
  const normal = [...s.normalize('NFC').replace(/\s/gu, '')].map((c) => ([...c.toUpperCase()].length === 1 ? c.toUpperCase() : c)).join('')
  check(s === normal.normalize('NFC') && s === s.normalize('NFKC') && /^[!-~\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f]+$/.test(s), 'no case reference')
}

export const draft = (d) => {
  v.object({
    'amends?': cite, appeal: v.oneOf('FORVALTNINGSBESVAR', 'LAGLIGHETSPROVNING', 'FAR_INTE_OVERKLAGAS'), author: v.digest,
    authority: v.authority, case: reference, commitments: v.list(v.digest, 6, 6), contact: v.text(1, 300),
    content: v.object({ digest: v.digest, media: v.oneOf('text/plain', 'text/markdown'), size: v.int(1, 1048576) }),
    'corrects?': cite, decision: v.id, 'earlier?': v.digests(1, 100), item: v.text(1, 32), mode: v.oneOf(...modes),
    names: v.object({ decider: shown, participants: shown, presenter: shown }), order, 'previous?': v.digest,
    'protocol?': v.text(1, 100), provisions: v.list(v.object({ place: v.text(1, 80), sfs: v.text(6, 9) }), 1, 20),
    reasons: v.oneOf('STATED', 'OBVIOUSLY_UNNECESSARY', 'URGENT'), revision: v.int(1, 1000), set: epoch, title: v.text(1, 200),
    type: v.text(1, 64), 'urgent?': v.yes,
  })(d)
  check((d.revision === 1) === (d.previous === undefined), 'revision and previous')
  check(d.amends === undefined || d.corrects === undefined, 'amends and corrects')
  for (const c of [d.amends, d.corrects]) check(c === undefined || c.decision !== d.decision, 'cites itself')
  check((d.mode === 'BOARD_DECIDES') === (d.protocol !== undefined), 'mode and protocol')
  d.provisions.forEach((p) => check(/^[12][0-9]{3}:[0-9]{1,4}$/.test(p.sfs), 'no number of a statute'))
}

export const approval = v.object({
  authority: v.authority, checkpoint: checkpoint(0), core: v.digest, date: v.date, decision: v.id, draft: compact, item: v.text(1, 32),
  mode: v.oneOf(...modes), order, record: v.digest,
  signer: v.object({ declared: v.oneOf('UNBIASED'), 'name?': v.text(1, 200), title: v.text(1, 100) }),
})

export const decision = (d) => {
  v.object({
    'amends?': cite, approval: compact, author: v.digest, authority: v.authority, core: v.digest, 'corrects?': cite, date: v.date,
    decision: v.id, item: v.text(1, 32), mode: v.oneOf(...modes), number: v.int(1), order, record: v.digest, year: v.int(1970, 9999),
  })(d)
  check(String(d.year) === d.date.slice(0, 4), 'year and date')
}

export const authorship = v.object({ author_key: v.digest, authority: v.authority, draft: v.digest })

export const dissent = (d) => {
  v.object({ authority: v.authority, decision: v.id, draft: v.digest, paragraphs: v.list(v.text(1, 8192), 1, 100) })(d)
  check(d.paragraphs.reduce((n, p) => n + Buffer.byteLength(p), 0) <= 8192, 'longer than a dissent may be')
}

const period = (o) => check(o.until === undefined || o.until >= o.from, 'until before from')
const officer = v.all(v.object({
  'deputy?': v.yes, from: v.date, items: v.all(v.list(v.text(1, 32), 0, 500), v.different), key: jwk, title: v.text(1, 100), 'until?': v.date,
}), period)

export const delegation = (d) => {
  v.object({
    authority: v.authority, board: v.text(1, 200), date: v.date,
    items: v.list(v.all(v.object({
      from: v.date, item: v.text(1, 32), modes: v.all(v.list(v.oneOf(...modes), 1, 3), v.different), text: v.text(1, 500),
      types: v.all(v.list(v.text(1, 64), 1, 100), v.different), 'until?': v.date,
    }), period), 1, 500),
    'previous?': v.digest, registrars: v.list(officer, 0, 50), signers: v.list(officer, 1, 50), version: v.int(1),
  })(d)
  check((d.version === 1) === (d.previous === undefined), 'version and previous')
  v.different([...d.signers, ...d.registrars].map((o) => o.key))
  const known = new Set(d.items.map((i) => i.item))
  d.signers.forEach((o) => check(o.items.length > 0 && o.items.every((i) => known.has(i)), 'items of a signer'))
  d.registrars.forEach((o) => check(o.items.length === 0, 'items of a registrar'))
}

export const providerKeys = v.object({ authority: v.authority, date: v.date, issuer: v.text(1, 255), jwks: v.binary(2, 65536) })

export const groundForces = {
  COURT_REFERRAL_ON_APPEAL: 'T', COURT_REFERRAL_LVU: 'H', COURT_ORDER: 'H', COURT_WITNESS: 'H', COURT_CRIMINAL_CASE: 'H',
  COURT_ORDER_ON_REFUSAL: 'H', PARTY_ACCESS: 'T', PARTY_BIAS_CLAIM: 'T', PUBLIC_RECORD_REQUEST: 'T', EMPLOYEE_CONSENT: 'I', JO: 'H',
  JK: 'H', IVO: 'H', IVO_LEX_SARAH: 'H', MUNICIPAL_AUDIT: 'H', DO: 'H', IMY: 'H', WORK_ENVIRONMENT: 'H', POLICE_PROTECT_OFFICIAL: 'T',
  POLICE_SUSPECT_OFFICIAL: 'T', INTERNAL_INVESTIGATION: 'I', EMPLOYER_MEASURE: 'I', ACUTE_SAFETY: 'I',
}
const ground = v.oneOf(...Object.keys(groundForces))

export const requester = v.all(v.object({
  address: v.text(1, 200), authority: v.authority, from: v.date, grounds: v.all(v.list(ground, 1, 23), v.different), key: jwk,
  name: v.text(1, 200), requester: v.id, 'revoked?': v.date, 'until?': v.date,
}), period)

// A public MLKEM768-X25519 key: 1,152 bytes of coefficients below 3329, a seed
// of 32, an X25519 point in its one form and of no small order.
const p25519 = 2n ** 255n - 19n
const smallU = [0n, 1n, p25519 - 1n, 325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n]
export const hpkeKey = (s) => {
  const b = v.unb64url(s)
  check(b.length === 1216, 'no MLKEM768-X25519 key')
  for (let i = 0; i < 1152; i += 3) {
    const n = b.readUIntLE(i, 3)
    check((n & 0xfff) < 3329 && n >> 12 < 3329, 'no MLKEM768-X25519 key')
  }
  const u = BigInt('0x' + Buffer.from(b.subarray(1184)).reverse().toString('hex'))
  check(u < p25519 && !smallU.includes(u), 'no MLKEM768-X25519 key')
}

export const reviewerSet = (s) => {
  v.object({
    authority: v.authority, date: v.date, epoch: v.int(1, 2 ** 31 - 1),
    groups: v.list(v.object({
      group: v.int(1, 4), members: v.list(v.object({ 'archive?': v.yes, hpke: hpkeKey, index: v.int(1, 15), key: jwk, title: v.text(1, 100) }), 3, 15),
      name: v.text(1, 100), threshold: v.int(1, 13),
    }), 1, 4),
    'previous?': v.digest, 'revoked?': v.digests(1, 1000),
  })(s)
  check((s.epoch === 1) === (s.previous === undefined), 'epoch and previous')
  const members = s.groups.flatMap((g) => g.members)
  v.different(members.map((m) => m.key))
  v.different(members.map((m) => m.hpke))
  check(s.groups.reduce((n, g) => n + g.threshold, 0) <= 16, 'thresholds')
  s.groups.forEach((g, i) => {
    check(g.group === i + 1 && g.members.every((m, j) => m.index === j + 1), 'groups or members out of order')
    check(g.members.length >= g.threshold + 2 && g.members.filter((m) => m.archive).length === 1, 'a group')
    check(g.members.filter((m) => !(s.revoked ?? []).includes(key(m.key).thumbprint)).length >= g.threshold, 'a group of revoked keys')
  })
}

export const request = (r) => {
  v.object({
    authority: v.authority, date: v.date, decision: v.id, expires: v.date, ground, opening: v.id, recipient: hpkeKey,
    reference: v.text(1, 100), sections: sections(1), statement: v.digest,
  })(r)
  check(r.date <= r.expires && r.expires <= v.addDays(r.date, 30), 'expires')
}

const paragraphs = v.list(v.text(1, 2000), 1, 20)
export const vote = (o) => {
  v.object({
    authority: v.authority, checkpoint: checkpoint(1), decision: v.id, granted: sections(0), group: v.int(1, 4), index: v.int(1, 15),
    'notice_not_before?': v.object({ date: v.date, provision: v.text(1, 100) }), opening: v.id,
    'refusal?': v.object({ basis: v.oneOf('AUTHENTICITY', 'SCOPE', 'SECRECY', 'NOT_HELD', 'FORWARDED'), paragraphs, provision: v.text(1, 100) }),
    request: v.digest, 'reservation?': v.text(1, 500), 'vector?': v.digest,
  })(o)
  check((o.granted.length > 0) === (o.vector !== undefined), 'vector')
  check((o.refusal?.paragraphs ?? []).reduce((n, p) => n + Buffer.byteLength(p), 0) <= 12000, 'reasons longer than they may be')
  check(o.granted.length > 0 || (o.refusal !== undefined && o.reservation === undefined), 'refusal')
}

export const release = v.object({
  authority: v.authority, core: v.digest, date: v.date, decision: v.id, granted: sections(0), opening: v.id,
  outcome: v.oneOf('GRANTED_FULL', 'GRANTED_PARTIAL', 'GRANTED_WITH_RESERVATION', 'REFUSED_APPEALABLE', 'NOT_HELD', 'FORWARDED'),
  refused: v.list(v.object({ provision: v.text(0, 100), section: v.oneOf(...sectionNames) }), 0, 7), request: v.digest,
  votes: v.list(v.object({ 'vector?': v.digest, vote: v.digest }), 1, 60),
})
