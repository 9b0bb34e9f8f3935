// Bundle and trust file, as proto/SPEC.md has them ("Bundle", "Trust file").
import { X509Certificate } from 'node:crypto'
import * as v from './values.mjs'
import * as s from './statements.mjs'
import * as log from './log.mjs'

const { check } = v
const lines = v.list(v.text(0, 8192), 1, 4096)
const path = v.list(v.text(1, 255), 1, 4)

const board = v.object({ keys: v.all(v.list(s.jwk, 1, 16), v.different), need: v.int(1, 16) })
const before = v.object({ board, 'documents?': v.digests(1, 1000), policy: lines, size: v.int(0) })

/** Reads a trust file. */
export function trust(data) {
  const t = v.parse(data)
  v.object({
    authority: v.authority, board,
    certificates: v.list(v.object({ certificate: v.binary(1, 65536), from: v.date, 'logged_before?': v.int(1), 'until?': v.date }), 1, 100),
    'earlier?': v.list(before, 1, 100), name: v.text(1, 200), policy: lines,
    providers: v.list(v.object({ audience: v.text(1, 255), 'hsa_id?': path, issuer: v.text(1, 255), 'name?': path, 'user_id?': path }), 0, 20),
    'successions?': v.int(1), typ: v.oneOf('sigill-trust'),
  })(t)
  const earlier = t.earlier ?? []
  for (const b of [t.board, ...earlier.map((e) => e.board)]) check(b.need <= b.keys.length, 'how many of the board must sign')
  v.different(t.providers.map((p) => p.issuer))
  const certificates = t.certificates.map(({ certificate, from, until, logged_before }) => {
    check(until === undefined || until >= from, 'until before from')
    const x509 = new X509Certificate(v.unb64url(certificate))
    const { crv, kty, x, y } = x509.publicKey.export({ format: 'jwk' })
    return { raw: v.unb64url(certificate), from, until, logged_before, x509, key: s.key(kty === 'OKP' ? { crv, kty, x } : { crv, kty, x, y }) }
  })
  const boards = [{ board: t.board }, ...earlier].map(({ board: b, documents }, i) => ({ keys: b.keys.map(s.key), need: b.need, documents: i === 0 ? undefined : documents ?? [] }))
  const logs = [...log.policy(t.policy, t.authority), ...earlier.flatMap((e) => log.policy(e.policy, t.authority).map((k) => ({ ...k, most: e.size })))]
  return { ...t, certificates, boards, board: boards[0], logs, file: data, digest: v.b64url(v.sha256(data)) }
}

/** Reads the signed document of a succession, and gives the trust file that follows. */
export function successor(data, t) {
  check(data.at(-1) === 0x0a, 'a file that does not end in a line feed')
  const f = v.parse(data.subarray(0, -1))
  v.object({ signatures: v.list(v.text(1, 262144), 1, 16), typ: v.oneOf('sigill-signed-document') })(f)
  const shape = v.object({ authority: v.authority, date: v.date, from: v.digest, trust: v.binary(2, 131072) })
  const { payload } = s.document(f.signatures, 'sigill-succession+jws', shape, t.board.keys, t.board.need)
  const next = trust(v.unb64url(payload.trust))
  check(payload.authority === t.authority && next.authority === t.authority && payload.from === t.digest, 'what follows another trust file')
  const same = (x, y) => JSON.stringify(x) === JSON.stringify(y)
  const [was, is] = [v.parse(t.file), v.parse(v.unb64url(payload.trust))]
  check((is.successions ?? 0) === (was.successions ?? 0) + 1, 'which succession it is')
  const last = is.earlier?.at(-1)
  const kept = same(was.board, is.board) && same(was.policy, is.policy) ? [] : [{ board: was.board, documents: last?.documents, policy: was.policy, size: last?.size }]
  check(same([...(was.earlier ?? []), ...kept], is.earlier ?? []), 'what was believed before is not remembered')
  check(was.providers.every((p) => is.providers.some((o) => same(p, o))), 'a provider is left out')
  const no_later = (x, y) => x === undefined || (y !== undefined && y <= x)
  const stays = (c, o) => o.certificate === c.certificate && o.from === c.from && no_later(c.until, o.until) && no_later(c.logged_before, o.logged_before)
  check(was.certificates.every((c) => is.certificates.some((o) => stays(c, o))), 'a certificate is left out')
  check(is.certificates.every((o, i) => was.certificates.some((c) => c.certificate === o.certificate)
    ? was.certificates.some((c) => stays(c, o))
    : t.certificates.every((c) => c.key.thumbprint !== next.certificates[i].key.thumbprint || no_later(c.logged_before, o.logged_before))), 'what has ended is brought back')
  return next
}

/** A document by the board of a trust file, or by one before it, of those that are listed. */
export function byBoard(signatures, typ, shape, t) {
  let why
  for (const b of t.boards) {
    try {
      const d = s.document(signatures, typ, shape, b.keys, b.need)
      check(b.documents?.includes(d.digest) ?? true, `${typ}: by a board that has been replaced`)
      return d
    } catch (e) {
      why ??= e
    }
  }
  throw why
}

/** Verifies a bundle, and gives what the next steps need of it. */
export function verifyBundle(data, t) {
  check(data.length <= 8 << 20, 'longer than a bundle')
  const b = v.parse(data)
  v.object({ content: v.binary(1, 1048576), decision: v.text(1, 262144), order: v.list(v.text(1, 262144), 1, 16), preimage: v.binary(82, 82), proof: lines })(b)
  const order = byBoard(b.order, 'sigill-delegation-order+jws', s.delegation, t)
  const decision = s.read(b.decision, 'sigill-decision+jwt', s.decision, s.among(t.certificates.map((c) => c.key)), { certified: true })
  const signers = order.payload.signers.map((o) => s.key(o.key))
  const approval = s.read(decision.payload.approval, 'sigill-approval+jws', s.approval, s.among(signers))
  const draft = s.read(approval.payload.draft, 'sigill-draft+jws', s.draft, undefined, { embedded: true })
  const [d, a, f] = [decision.payload, approval.payload, draft.payload]
  agree(d, a, f)
  check(approval.key.thumbprint !== draft.key.thumbprint, 'one key for two')
  check(d.authority === t.authority && order.payload.authority === t.authority, 'another authority')
  certified(decision, t, 0)
  check(v.dateOf(decision.header.iat) === d.date, 'the day of signing')
  check(d.order.digest === order.digest && d.order.version === order.payload.version, 'another delegation order')
  ordered(order.payload, d, a, f, approval.key)
  const content = v.unb64url(b.content)
  check(content.length === f.content.size && v.b64url(v.sha256(content)) === f.content.digest, 'another content')
  const e = log.entry(v.unb64url(b.preimage), log.decisionTag(d.year, d.number, d.decision), log.kinds.decision, decision.digest)
  const place = log.included(b.proof, e, t.logs, t.authority)
  certified(decision, t, place.index)
  return { decision, approval, draft, ...place }
}

function agree(d, a, f) {
  const equal = (names, x, y) => names.split(' ').forEach((n) => check(JSON.stringify(x[n]) === JSON.stringify(y[n]), `${n} is not the same`))
  equal('authority decision item mode order core record date', d, a)
  equal('authority decision item mode order', a, f)
  equal('author amends corrects', d, f)
  check((a.signer.name !== undefined) === (a.mode === 'EXECUTIVE_DECIDES' && f.names.decider === 'shown'), "the signer's name")
}

/** The certificate in the header is one that the trust file lists for the time and the place in the log. */
function certified({ header, key, payload }, t, index) {
  check(header.iat !== undefined && header.x5c !== undefined && header['x5t#S256'] !== undefined, 'no certificate')
  const chain = header.x5c.map(v.unb64)
  try {
    chain.forEach((der) => new X509Certificate(der))
  } catch {
    v.refuse('no certificate')
  }
  check(v.b64url(v.sha256(chain[0])) === header['x5t#S256'], 'digest of the certificate')
  const day = v.dateOf(header.iat)
  check(t.certificates.some((c) => c.raw.equals(chain[0]) && c.key.thumbprint === key.thumbprint && v.within(day, c.from, c.until) &&
    (c.logged_before === undefined || index < c.logged_before) &&
    Date.parse(c.x509.validFrom) <= header.iat * 1000 && header.iat * 1000 <= Date.parse(c.x509.validTo)), 'a certificate that is not trusted on that day')
  return payload
}

/** The delegation order lets this key sign this decision on its date. */
function ordered(order, d, a, f, signer) {
  check(order.signers.some((o) => s.key(o.key).thumbprint === signer.thumbprint && o.items.includes(d.item) && v.within(d.date, o.from, o.until) && o.title === a.signer.title), 'a signer whom the order does not name')
  check(order.items.some((i) => i.item === d.item && v.within(d.date, i.from, i.until) && i.types.includes(f.type) && i.modes.includes(d.mode)), 'a decision that the order does not allow')
  // A correction keeps the law of what it corrects, whose date is not known here: one Act or the other, but not one to come.
  const right = (day) => f.provisions.every((p) => !(p.sfs === '2001:453' && day >= '2025-07-01') && !(p.sfs === '2025:400' && day < '2025-07-01'))
  check(right(d.date) || (f.corrects !== undefined && right('2025-06-30')), 'a Social Services Act that is not in force')
}
