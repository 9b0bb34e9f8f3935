// The seal as a requester opens it, as proto/SPEC.md has it ("Seal", "Record").
import { createDecipheriv } from 'node:crypto'
import * as HPKE from 'hpke'
import { KEM_MLKEM768_X25519 } from '@panva/hpke-noble'
import { MLKEM768X25519 } from '@noble/post-quantum/hybrid.js'
import * as v from './values.mjs'

const { check } = v
export const sizes = [1024, 1024, 2048, 1024, 2048, 1024, 12288]
const numbers = [1, 2, 3, 4, 5, 6, 7]

/** A head by its fields; bytes that are left or lack are refused. */
export function head(data) {
  let at = 0
  const take = (n) => check(at + n <= data.length, 'a head that is too short') && data.subarray(at, (at += n))
  const digests = () => numbers.map(() => v.b64url(take(32)))
  check(take(1)[0] === 1, 'version of a head')
  const h = { authority: take(take(1)[0]).toString('latin1') }
  v.authority(h.authority)
  h.decision = v.idText(take(16))
  h.revision = take(4).readUInt32BE()
  h.draft = v.b64url(take(32))
  h.authorKey = v.b64url(take(32))
  h.epoch = take(4).readUInt32BE()
  h.set = v.b64url(take(32))
  check(h.revision >= 1 && h.revision <= 1000 && h.epoch >= 1 && h.epoch < 2 ** 31, 'numbers of a head')
  const shapes = take(take(1)[0])
  check(shapes.length % 3 === 0 && shapes.length >= 3 && shapes.length <= 12, 'groups of a head')
  h.groups = []
  for (let i = 0; i < shapes.length; i += 3) h.groups.push({ group: shapes[i], threshold: shapes[i + 1], members: shapes[i + 2] })
  h.groups.forEach((g, i) => check(g.group === i + 1 && g.threshold >= 1 && g.threshold + 2 <= g.members && g.members <= 15, 'a group of a head'))
  h.shares = h.groups.map((g) => Array.from({ length: g.members }, digests))
  h.commitments = digests()
  h.ciphertexts = digests()
  check(at === data.length, 'a head that is too long')
  return h
}

export const recordCommitment = (h) => v.b64url(v.sha256('sigill record v1', ...h.commitments.map(v.unb64url)))
export function authorCommitment(nonce, issuer, subject) {
  const framed = (b) => v.bytes(v.u16(Buffer.byteLength(b)), b)
  return v.b64url(v.sha256('sigill author v1', framed(nonce), framed(issuer), framed(subject)))
}

/** A release vector by its fields. */
export function releaseVector(b) {
  check(b.length === 1368 && b[0] === 1, 'no release vector')
  return { epoch: b.readUInt32BE(1), group: b[5], index: b[6], bitmap: b[7], enc: b.subarray(8, 1128), sealed: b.subarray(1128) }
}

const suite = new HPKE.CipherSuite(KEM_MLKEM768_X25519, HPKE.KDF_HKDF_SHA256, HPKE.AEAD_AES_256_GCM)
export const publicKey = (seed) => Buffer.from(MLKEM768X25519.keygen(seed).publicKey)

/**
 * Opens a release vector with the recipient's seed, and checks every scalar in
 * it against the head.
 */
export async function openVector(h, r, seed, { request, recipient, root }) {
  const g = h.groups[r.group - 1]
  check(r.epoch === h.epoch && g !== undefined && r.index >= 1 && r.index <= g.members, 'a vector of no reviewer')
  const info = v.bytes('sigill release v1', v.unb64url(request), v.idBytes(h.decision), v.u32(h.epoch), [r.group, r.index, r.bitmap],
    v.sha256(recipient), v.unb64url(root))
  let plain
  try {
    plain = Buffer.from(await suite.Open(await suite.DeserializePrivateKey(seed, false), r.enc, r.sealed, { info }))
  } catch {
    v.refuse('a vector that does not open')
  }
  check(plain.length === 224, 'a vector of another length')
  return numbers.map((section) => {
    const scalar = plain.subarray(32 * (section - 1), 32 * section)
    if (!(r.bitmap >> (section - 1) & 1)) return check(scalar.every((b) => b === 0), 'a share that was not granted') && undefined
    const digest = v.sha256('sigill share v1', v.idBytes(h.decision), v.unb64url(h.draft), [r.group, r.index, section], scalar)
    check(v.b64url(digest) === h.shares[r.group - 1][r.index - 1][section - 1], 'a share that is not in the head')
    return scalarOf(scalar)
  })
}

// Scalars: integers modulo the order of Ristretto255.
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const mod = (n) => ((n % L) + L) % L
const toLE = (n) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse()
function scalarOf(b) {
  const n = BigInt('0x' + Buffer.from(b).reverse().toString('hex'))
  check(n < L, 'a scalar that is not reduced')
  return n
}
function inverse(n) { // Fermat: ℓ is prime
  let [result, base] = [1n, mod(n)]
  for (let e = L - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * base)
    base = mod(base * base)
  }
  return result
}
/** The value at 0 of the polynomial through points of distinct x. */
const lagrange = (points) => points.reduce((sum, [x, y]) => {
  const weight = points.reduce((w, [other]) => (other === x ? w : mod(w * other * inverse(other - x))), 1n)
  return mod(sum + y * weight)
}, 0n)

/** Opens a section from the shares [{group, index, scalars}] of a quorum. */
export function openSection(h, section, ciphertext, shares) {
  check(v.b64url(v.sha256(ciphertext)) === h.ciphertexts[section - 1], 'a ciphertext that is not in the head')
  let secret = 0n
  for (const g of h.groups) {
    const points = shares.filter((s) => s.group === g.group && s.scalars[section - 1] !== undefined).map((s) => [BigInt(s.index), s.scalars[section - 1]])
    check(points.length >= g.threshold, 'not enough shares')
    secret = mod(secret + lagrange(points.slice(0, g.threshold)))
  }
  const key = v.hkdf(toLE(secret), v.unb64url(h.draft), v.bytes('sigill section v1', [section]))
  const aad = v.bytes([Buffer.byteLength(h.authority)], h.authority, v.idBytes(h.decision), v.unb64url(h.draft), [section])
  const open = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12), { authTagLength: 16 }).setAAD(aad).setAuthTag(ciphertext.subarray(-16))
  let plain
  try {
    plain = v.bytes(open.update(ciphertext.subarray(0, -16)), open.final())
  } catch {
    v.refuse('a section that does not open')
  }
  check(plain.length === sizes[section - 1] && v.b64url(v.sha256('sigill commit v1', [section], plain)) === h.commitments[section - 1], 'a section that is not what was committed to')
  const length = plain.readUInt16BE(32)
  check(34 + length <= plain.length && plain.subarray(34 + length).every((b) => b === 0), 'padding of a section')
  return v.parse(plain.subarray(34, 34 + length))
}
