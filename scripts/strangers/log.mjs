// The log as a reader sees it, as proto/SPEC.md has it ("Log").
import { verify } from 'node:crypto'
import * as v from './values.mjs'
import * as s from './statements.mjs'

const { check } = v

export const kinds = { decision: 1, opening_requested: 6, opening_released: 8, provider_keys: 15 }
const ofAuthority = (kind) => kind >= 12 && kind <= 16

/** Reads a preimage and makes the entry that it stands for under a tag. */
export function entry(preimage, tag, kind, signed) {
  check(preimage.length === 82 && v.same(preimage.subarray(0, 16), v.bytes([15], 'sigill entry v1')), 'no preimage')
  check(preimage.readUInt16BE(16) === kind && v.b64url(preimage.subarray(50)) === signed, 'a log entry of something else')
  check(v.same(preimage.subarray(18, 50), Buffer.alloc(32)) === ofAuthority(kind), 'salt of a log entry')
  check(tag.length === 16 && v.same(tag, Buffer.alloc(16)) === ofAuthority(kind), 'tag of a log entry')
  return v.bytes([1], v.u16(kind), tag, v.sha256(preimage))
}

export const decisionTag = (year, number, id) => v.bytes(v.u16(year), v.u64(number), v.sha256('sigill subject v1', v.idBytes(id)).subarray(0, 6))

/** Reads a policy. Only one that asks for no witness can be judged here. */
export function policy(lines, authority) {
  const logs = []
  let quorum
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue
    const [word, ...rest] = line.split(' ')
    if (word === 'log') logs.push(vkey(rest[0], authority))
    else if (word === 'quorum' && quorum === undefined) quorum = rest.join(' ')
    else if (word !== 'witness' && word !== 'group') v.refuse('no policy')
  }
  check(logs.length >= 1 && quorum !== undefined, 'no policy')
  if (quorum !== 'none') throw new v.CannotTell('the policy asks for witnesses, which this tool does not know')
  return logs
}

function vkey(text, authority) {
  const [name, id, ...rest] = (text ?? '').split('+')
  const data = v.unb64(rest.join('+'))
  check(name === authority && data.length === 33 && data[0] === 1, 'no log key of this authority')
  const keyID = v.sha256(name, [0x0a], data).subarray(0, 4)
  check(id === keyID.toString('hex'), 'id of a log key')
  return { ...s.key({ crv: 'Ed25519', kty: 'OKP', x: v.b64url(data.subarray(1)) }), name, id: keyID }
}

const decimal = (t) => check(/^(0|[1-9][0-9]{0,15})$/.test(t) && Number.isSafeInteger(Number(t)), 'no number') && Number(t)

/** Checks a signed note by the policy's logs and gives its size and root. */
export function checkpoint(text, logs, authority) {
  const cut = text.lastIndexOf('\n\n')
  check(cut > 0 && text.endsWith('\n') && Buffer.byteLength(text) <= 131072, 'no signed note')
  const body = text.slice(0, cut + 1)
  const [origin, size, root, ...more] = body.split('\n')
  check(origin === authority && more.join() === '', 'no checkpoint of this log')
  const head = { size: decimal(size), root: v.b64url(v.unb64(root)) }
  check(v.unb64(root).length === 32 && (head.size > 0 || v.same(v.unb64(root), v.sha256(''))), 'no root')
  const seen = new Set()
  const lines = text.slice(cut + 2, -1).split('\n')
  check(lines.length <= 100, 'too many signatures')
  for (const line of lines) {
    const m = /^\u2014 ([^ +]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line)
    check(m !== null, 'no signature line')
    const loose = Buffer.from(m[2], 'base64')
    const log = logs.find((k) => k.name === m[1] && v.same(k.id, loose.subarray(0, 4)) && (k.most === undefined || head.size <= k.most))
    if (log === undefined) continue
    const id = log.id.toString('hex')
    check(!seen.has(id) && verify(null, Buffer.from(body), log.node, v.unb64(m[2]).subarray(4)), 'signature of a checkpoint')
    seen.add(id)
  }
  check(seen.size > 0, 'a checkpoint that the log has not signed')
  return head
}

/** Checks that an entry stands in the log; gives its index and the checkpoint. */
export function included(lines, e, logs, authority) {
  check(lines[0] === 'c2sp.org/tlog-proof@v1' && lines[1]?.startsWith('index '), 'no proof')
  const index = decimal(lines[1].slice(6))
  const blank = lines.indexOf('')
  check(blank >= 2 && blank <= 66, 'no proof')
  const path = lines.slice(2, blank).map(v.unb64)
  check(path.every((h) => h.length === 32), 'no hash')
  const head = checkpoint(lines.slice(blank + 1).join('\n') + '\n', logs, authority)
  check(index < head.size && v.b64url(rootFrom(v.sha256([0], e), index, head.size, path)) === head.root, 'not in the log')
  return { index, ...head }
}

/** Reads a whole day of the log; gives its entries and the log before and after it. */
export function day(text, date, logs, authority) {
  const parts = text.split('\n')
  check(parts[0] === 'sigill-day/v1' && parts[1] === date, 'not that day')
  const first = decimal(parts[2] ?? '')
  const blank = parts.indexOf('', 3)
  const end = parts.indexOf('', blank + 1)
  check(blank >= 3 && end > blank, 'no day')
  // Each subtree is its size and its root.
  const peaks = []
  for (let size = 2 ** 53, left = first; left > 0; size /= 2) {
    if (size <= left) peaks.push({ size }), (left -= size)
  }
  check(peaks.length === blank - 3, 'no frontier')
  peaks.forEach((p, i) => check((p.hash = v.unb64(parts[3 + i])).length === 32, 'no hash'))
  const before = { size: first, root: rootOf(peaks) }
  const entries = parts.slice(blank + 1, end).map(v.unb64)
  for (const e of entries) {
    check(e.length === 51, 'no entry')
    let p = { size: 1, hash: v.sha256([0], e) }
    while (peaks.length > 0 && peaks.at(-1).size === p.size) p = { size: 2 * p.size, hash: v.sha256([1], peaks.pop().hash, p.hash) }
    peaks.push(p)
  }
  const after = checkpoint(parts.slice(end + 1).join('\n'), logs, authority)
  check(after.size === first + entries.length && after.root === rootOf(peaks), 'not all of that day')
  return { entries, before, after }
}

const rootOf = (peaks) => v.b64url(peaks.length === 0 ? v.sha256('') : peaks.map((p) => p.hash).reduceRight((right, left) => v.sha256([1], left, right)))

// RFC 9162, 2.1.3.2. Indices are exact up to 2^53, so no bit operators here.
function rootFrom(leaf, index, size, path) {
  let [at, last, hash] = [index, size - 1, leaf]
  for (const p of path) {
    check(last > 0, 'a proof that is too long')
    if (at % 2 === 1 || at === last) {
      hash = v.sha256([1], p, hash)
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else {
      hash = v.sha256([1], hash, p)
    }
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  check(last === 0, 'a proof that is too short')
  return hash
}
