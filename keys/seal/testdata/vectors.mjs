// Makes the golden vectors of keys/record, keys/seal and keys/unseal from
// proto/SPEC.md alone ("Record", "Seal", "Opening"), with Node's crypto, BigInt
// and the npm packages hpke and @panva/hpke-noble: no line of the Go code is
// behind them. Run as: node vectors.mjs KEYS, where KEYS is the folder keys/.
// HPKE messages are random, so opening.txt differs from run to run; the other
// files do not.
import { createCipheriv, createHash, hkdfSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import * as HPKE from 'hpke'
import { KEM_MLKEM768_X25519 } from '@panva/hpke-noble'

const keys = process.argv[2]
const bytes = (...parts) => Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p) : Buffer.from(p))))
const sha = (h, ...parts) => createHash(h).update(bytes(...parts)).digest()
const sha256 = (...parts) => sha('sha256', ...parts)
const u16 = (n) => [n >> 8, n & 255]
const u32 = (n) => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]
const u8s = (s) => bytes([Buffer.byteLength(s)], s)
const range = (first, n) => Buffer.from(Array.from({ length: n }, (_, i) => first + i))

const file = (path, comment) => {
  const lines = comment.map((c) => '# ' + c)
  return {
    put: (key, value) => lines.push(`${key} ${typeof value === 'string' ? value : Buffer.from(value).toString('hex')}`),
    end: () => writeFileSync(`${keys}/${path}`, lines.join('\n') + '\n'),
  }
}

// Record.
const seed = range(0x40, 32)
const nonce = range(0x80, 32)
const person = '"hsa_id":"SE0000000000-1A2B","issuer":"https://idp.example","name":"Åsa Exempelsson-Öberg",' +
  '"subject":"5f1d0c0e-8c1b-4b1e-9d3c-2b0f6a7d9e11","title":"socialsekreterare","unit":"Myndighet","user_id":"asaexe"'
const json = [
  '{"item":"4.2.1","kind":"APPROVAL_SIGNER"}',
  `{"person":{"author":true,${person}}}`,
  '{"persons":[{"name":"Björn \\"Bosse\\" Prov","stated":true,"title":"enhetschef"},{"name":"Céline d\'Exempel & <co>","stated":true,"title":"jurist"}]}',
  `{"person":{"author":true,${person}}}`,
  '{"declarations":[{"ordinal":1,"role":"PARTICIPANT","stated":true},{"ordinal":2,"role":"PARTICIPANT","stated":true},{"ordinal":1,"role":"PRESENTER"}]}',
  '{"omitted":[{"assessor":"HR-direktören","date":"2026-10-01","ground":"THREAT","ordinal":1,"reference":"HR 2026/117","review":"2027-10-01","role":"PRESENTER"}]}',
  '{"items":[{"acr":"http://id.elegnamnden.se/loa/1.0/loa3","auth_time":1795330800,"authorship":"eyJ.eyJ.c2ln",' +
    '"day_key":{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},' +
    '"key":"{\\"kty\\":\\"EC\\"}","key_index":3,"label":"dpop","nonce":"' + nonce.toString('base64url') + '",' +
    '"provider":"prov","received":"2026-11-22","token":"a.b.c","type":"access-token"}]}',
]
const sizes = [1024, 1024, 2048, 1024, 2048, 1024, 12288]
const sections = [1, 2, 3, 4, 5, 6, 7]
const hkdf = (secret, salt, info) => Buffer.from(hkdfSync('sha256', secret, salt, info, 32))

const out = file('record/testdata/sections.txt', [
  'Golden values (proto/SPEC.md, "Record"), made by keys/seal/testdata/vectors.mjs.',
  'Bytes are in hex, JSON and texts as they are; a number after a slash is the section.',
])
out.put('seed', seed)
const plaintext = [], commitment = []
for (const s of sections) {
  const text = bytes(json[s - 1])
  const blind = hkdf(seed, '', bytes('sigill blind v1', [s]))
  const head = bytes(blind, u16(text.length), text)
  plaintext[s] = bytes(head, Buffer.alloc(sizes[s - 1] - head.length))
  commitment[s] = sha256('sigill commit v1', [s], plaintext[s])
  out.put(`json/${s}`, json[s - 1])
  out.put(`blind/${s}`, blind)
  out.put(`plaintext-sha256/${s}`, sha256(plaintext[s]))
  out.put(`commitment/${s}`, commitment[s])
}
out.put('record-commitment', sha256('sigill record v1', ...sections.map((s) => commitment[s])))
const issuer = 'https://idp.example', subject = 'Åsa|5f1d'
const framed = (b) => bytes(u16(Buffer.byteLength(b)), b)
out.put('author-nonce', nonce)
out.put('author-issuer', issuer)
out.put('author-subject', subject)
out.put('author-commitment', sha256('sigill author v1', framed(nonce), framed(issuer), framed(subject)))
out.end()

// Seal.
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const mod = (n) => ((n % L) + L) % L
const fromLE = (b) => BigInt('0x' + Buffer.from(b).reverse().toString('hex'))
const toLE = (n) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse()
function expand64(msg, dst) { // RFC 9380, 5.3.1, with SHA-512 and 64 bytes: one block
  const dstPrime = bytes(dst, [dst.length])
  const b0 = sha('sha512', Buffer.alloc(128), msg, u16(64), [0], dstPrime)
  return sha('sha512', b0, [1], dstPrime)
}
const hashToScalar = (msg) => mod(fromLE(expand64(msg, 'sigill share v1')))

const authority = '202100-0001', decision = 'aaaqeayeaudaocajbifqydiob4', idBytes = range(0, 16)
const draft = sha256('the draft'), authorKey = sha256('the author key'), set = sha256('the reviewer set')
const revision = 2, epoch = 3
const groups = [{ g: 1, t: 2, n: 4 }, { g: 2, t: 1, n: 3 }]
const members = (g) => Array.from({ length: g.n }, (_, i) => i + 1)

const seal = file('seal/testdata/seal.txt', [
  'Golden values (proto/SPEC.md, "Seal"), made by vectors.mjs over the sections and the seed of',
  'keys/record/testdata/sections.txt. Bytes are in hex, scalars little-endian.',
  'group/G: threshold and members. coefficient/G/section/i, share/G/index/section, the rest by section.',
])
seal.put('authority', authority)
seal.put('decision', decision)
seal.put('revision', String(revision))
seal.put('draft', draft)
seal.put('author-key', authorKey)
seal.put('epoch', String(epoch))
seal.put('set', set)
const share = {}, digests = []
const secret = sections.map(() => 0n)
for (const g of groups) {
  seal.put(`group/${g.g}`, `${g.t} ${g.n}`)
  for (const s of sections) {
    const c = Array.from({ length: g.t }, (_, i) => hashToScalar(bytes(seed, draft, [g.g, s, i])))
    c.forEach((v, i) => seal.put(`coefficient/${g.g}/${s}/${i}`, toLE(v)))
    secret[s - 1] = mod(secret[s - 1] + c[0])
    for (const x of members(g)) share[[g.g, x, s]] = toLE(mod(c.reduce((sum, v, i) => sum + v * BigInt(x) ** BigInt(i), 0n)))
  }
  for (const x of members(g)) {
    for (const s of sections) {
      const d = sha256('sigill share v1', idBytes, draft, [g.g, x, s], share[[g.g, x, s]])
      seal.put(`share/${g.g}/${x}/${s}`, share[[g.g, x, s]])
      seal.put(`share-digest/${g.g}/${x}/${s}`, d)
      digests.push(d)
    }
  }
}
const ciphertext = []
for (const s of sections) {
  const key = hkdf(toLE(secret[s - 1]), draft, bytes('sigill section v1', [s]))
  const aad = bytes(u8s(authority), idBytes, draft, [s])
  const c = createCipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(aad)
  ciphertext[s] = bytes(c.update(plaintext[s]), c.final(), c.getAuthTag())
  seal.put(`secret/${s}`, toLE(secret[s - 1]))
  seal.put(`key/${s}`, key)
  seal.put(`aad/${s}`, aad)
  seal.put(`ciphertext-sha256/${s}`, sha256(ciphertext[s]))
}
const head = bytes([1], u8s(authority), idBytes, u32(revision), draft, authorKey, u32(epoch), set,
  [3 * groups.length], ...groups.map((g) => [g.g, g.t, g.n]), ...digests,
  ...sections.map((s) => commitment[s]), ...sections.map((s) => sha256(ciphertext[s])))
seal.put('head', head)
seal.put('core-digest', sha256(head))
seal.end()

// Opening.
const suite = new HPKE.CipherSuite(KEM_MLKEM768_X25519, HPKE.KDF_HKDF_SHA256, HPKE.AEAD_AES_256_GCM)
async function keyPair(seed) {
  const pair = await suite.DeriveKeyPair(seed, true)
  const serialized = Buffer.from(await suite.SerializePrivateKey(pair.privateKey))
  return { seed: serialized, to: pair.publicKey, pub: Buffer.from(await suite.SerializePublicKey(pair.publicKey)) }
}
async function box(to, info, scalars) {
  const { encapsulatedSecret, ciphertext } = await suite.Seal(to, bytes(...scalars), { info })
  return bytes(encapsulatedSecret, ciphertext)
}
const opening = file('unseal/testdata/opening.txt', [
  'Golden values (proto/SPEC.md, "Opening"), made by keys/seal/testdata/vectors.mjs for the head in',
  'keys/seal/testdata/seal.txt. Bytes are in hex; a number after a slash is group and index, or section.',
  'The seeds are HPKE private keys of KEM 0x647a; the digests of public keys are SHA-256.',
])
const request = sha256('the request'), checkpoint = sha256('the checkpoint'), scope = 1 << 0 | 1 << 4
const recipient = await keyPair(range(0xc0, 32))
opening.put('request', request)
opening.put('checkpoint', checkpoint)
opening.put('scope', 'DECIDER, BIAS_DECLARATION')
opening.put('recipient-seed', recipient.seed)
opening.put('recipient-key-sha256', sha256(recipient.pub))
for (const [g, x, generation] of [[1, 2, 0], [1, 4, 1], [2, 3, 0]]) {
  const reviewer = await keyPair(range(16 * g + x, 32))
  const wrapInfo = bytes('sigill wrap v1', u8s(authority), idBytes, draft, u32(epoch), [g, x], u32(generation))
  const scalars = sections.map((s) => share[[g, x, s]])
  const granted = sections.map((s) => (scope >> (s - 1) & 1 ? share[[g, x, s]] : Buffer.alloc(32)))
  const releaseInfo = bytes('sigill release v1', request, idBytes, u32(epoch), [g, x, scope], sha256(recipient.pub), checkpoint)
  opening.put(`reviewer-seed/${g}/${x}`, reviewer.seed)
  opening.put(`reviewer-key-sha256/${g}/${x}`, sha256(reviewer.pub))
  opening.put(`wrap-info/${g}/${x}`, wrapInfo)
  opening.put(`wrapping/${g}/${x}`, bytes([1], u32(epoch), [g, x], u32(generation), await box(reviewer.to, wrapInfo, scalars)))
  opening.put(`release-info/${g}/${x}`, releaseInfo)
  opening.put(`release/${g}/${x}`, bytes([1], u32(epoch), [g, x, scope], await box(recipient.to, releaseInfo, granted)))
}
for (const s of [1, 5]) opening.put(`ciphertext/${s}`, ciphertext[s])
opening.end()
