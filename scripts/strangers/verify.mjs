// Verifies the three signatures of a decision with npm jose, as anyone would
// with the JOSE library of their own: the decision by the certificate in its
// header, which the trust file must list; the approval by the key that the
// board's delegation order names; the draft by the key that it carries.
//
//	node verify.mjs BUNDLE TRUST
//
// It prints a verdict as JSON. The log and the law of the order are court.mjs's.
// Exit codes: 0 verified; 1 a file could not be read; 3 does not verify.
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from 'jose'

class Refused extends Error {}
const check = (ok, why) => {
  if (!ok) throw new Refused(why)
}
const digest = (b) => createHash('sha256').update(b).digest('base64url')
const algorithms = ['EdDSA', 'ES256']

/** Verifies a compact JWS of a typ by a key; gives its payload. */
async function verified(compact, typ, key) {
  const { payload, protectedHeader } = await compactVerify(compact, key, { algorithms })
  check(protectedHeader.typ === typ, `not a ${typ}`)
  return { payload: JSON.parse(new TextDecoder().decode(payload)), raw: payload, header: protectedHeader }
}

/** The key among JWKs whose thumbprint a header names. */
async function among(jwks, compact) {
  const { kid, alg } = decodeProtectedHeader(compact)
  for (const jwk of jwks) if ((await calculateJwkThumbprint(jwk)) === kid) return importJWK(jwk, alg)
  throw new Refused('signed by a key that is not known')
}

async function delegationOrder(signatures, board) {
  const read = []
  for (const s of signatures) read.push(await verified(s, 'sigill-delegation-order+jws', await among(board.keys, s)))
  const signers = new Set(read.map((r) => r.header.kid))
  check(signers.size === signatures.length && signers.size >= board.need, 'the board has not signed the order')
  check(read.every((r) => digest(r.raw) === digest(read[0].raw)), 'the board has signed different orders')
  return { ...read[0].payload, digest: digest(read[0].raw) }
}

async function institution(compact, trust) {
  const { x5c, kid, alg, iat, 'x5t#S256': x5t } = decodeProtectedHeader(compact)
  const der = Buffer.from(x5c?.[0] ?? '', 'base64')
  check(x5t === digest(der) && trust.certificates.some((c) => c.certificate === der.toString('base64url')), 'a certificate that the trust file does not list')
  const certificate = new X509Certificate(der)
  check(Date.parse(certificate.validFrom) <= iat * 1000 && iat * 1000 <= Date.parse(certificate.validTo), 'a certificate that was not valid')
  const jwk = certificate.publicKey.export({ format: 'jwk' })
  check((await calculateJwkThumbprint(jwk)) === kid, 'a certificate of another key')
  return importJWK(jwk, alg)
}

async function main([bundleFile, trustFile]) {
  const bundle = JSON.parse(readFileSync(bundleFile))
  const trust = JSON.parse(readFileSync(trustFile))
  const order = await delegationOrder(bundle.order, trust.board)
  const decision = await verified(bundle.decision, 'sigill-decision+jwt', await institution(bundle.decision, trust))
  const d = decision.payload
  check(d.order.digest === order.digest, 'another delegation order')
  const approval = (await verified(d.approval, 'sigill-approval+jws', await among(order.signers.map((o) => o.key), d.approval))).payload
  const { jwk } = decodeProtectedHeader(approval.draft)
  const draft = (await verified(approval.draft, 'sigill-draft+jws', await importJWK(jwk, 'EdDSA'))).payload
  check([d, approval, draft].every((s) => s.authority === trust.authority && s.decision === d.decision), 'statements of different decisions')
  check(d.core === approval.core && d.record === approval.record && d.author === draft.author && d.date === approval.date, 'statements that contradict each other')
  const content = Buffer.from(bundle.content, 'base64url')
  check(content.length === draft.content.size && digest(content) === draft.content.digest, 'not the content that was signed')
  console.log(JSON.stringify({
    verdict: 'the signatures hold', authority: d.authority, decision: d.decision, year: d.year, number: d.number, date: d.date,
    sealed_at: new Date(decision.header.iat * 1000).toISOString(), signer: approval.signer.title, mode: d.mode, title: draft.title,
    author_key: await calculateJwkThumbprint(jwk), content: draft.content.digest,
  }, null, 2))
}

try {
  await main(process.argv.slice(2))
} catch (e) {
  console.error(e instanceof Refused || e.code?.startsWith?.('ERR_J') ? e.message : `does not verify: ${e.name}`)
  process.exitCode = e.syscall === undefined ? 3 : 1
}
