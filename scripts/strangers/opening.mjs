// An opening package, opened as proto/SPEC.md has it ("Opening package"). Each
// step has the number and name that it has there.
import * as v from './values.mjs'
import * as s from './statements.mjs'
import * as log from './log.mjs'
import * as seal from './seal.mjs'
import * as tokens from './tokens.mjs'
import { byBoard, verifyBundle } from './bundle.mjs'

const { check } = v
const compact = v.text(1, 262144)
const entry = v.object({ preimage: v.binary(82, 82), proof: v.list(v.text(0, 8192), 1, 4096), tag: v.binary(16, 16) })
const form = v.object({
  bundle: v.binary(1, 8 << 20), ciphertexts: v.list(v.object({ bytes: v.binary(1, 20000), section: v.oneOf(...s.sectionNames) }), 0, 7),
  dissents: v.list(compact, 0, 20), head: v.binary(1, 65536), providers: v.list(v.object({ keys: compact, logged: entry }), 0, 1 << 20),
  release: compact, released: entry, request: compact, requested: entry, requester: v.list(compact, 1, 16), set: v.binary(1, 262144),
  typ: v.oneOf('sigill-opening-package'), votes: v.list(v.object({ 'vector?': v.binary(1368, 1368), vote: compact }), 1, 60),
})
const bitmap = (names) => names.reduce((b, n) => b | 1 << s.sectionNames.indexOf(n), 0)
const numberOf = (name) => s.sectionNames.indexOf(name) + 1

/**
 * Opens a package with the 32-byte seed of the request's recipient key, under a
 * trust file that was read by bundle.mjs. Throws, or gives what was granted.
 */
export async function open(data, trust, seed) {
  check(data.length <= 64 << 20, 'longer than a package')
  const p = form(v.parse(data))
  const o = { p, trust, seed }
  checkDecision(o)
  checkSet(o)
  checkRequest(o)
  o.release = s.read(p.release, 'sigill-opening-release+jws', s.release, s.among(trust.logs))
  check(o.release.payload.granted.length > 0 && o.release.payload.date >= o.request.payload.date, 'release: grants nothing, or too early')
  check(v.dayNumber(o.release.payload.date) <= v.dayNumber(o.request.payload.expires) + 90, 'release: dated far ahead')
  checkLog(o)
  checkVotes(o)
  checkCount(o)
  checkDissents(o)
  await openSections(o)
  o.login = o.sections.EVIDENCE === undefined ? noEvidence(p) : checkEvidence(o, o.sections.EVIDENCE.items[0])
  return report(o)
}

// 1. Decision.
function checkDecision(o) {
  o.verdict = verifyBundle(v.unb64url(o.p.bundle), o.trust)
  const { decision, draft } = o.verdict
  o.d = decision.payload
  const raw = v.unb64url(o.p.head)
  check(v.b64url(v.sha256(raw)) === o.d.core, 'decision: another seal')
  const h = (o.head = seal.head(raw))
  const f = draft.payload
  check(h.authority === f.authority && h.decision === f.decision && h.revision === f.revision && h.epoch === f.set.epoch && h.set === f.set.digest &&
    h.draft === draft.digest && h.authorKey === draft.key.thumbprint, 'decision: a head of another draft')
  check(f.commitments.every((c, i) => c === h.commitments[i]) && seal.recordCommitment(h) === o.d.record, 'decision: commitments')
}

// 2. Set.
function checkSet(o) {
  const raw = v.unb64url(o.p.set)
  o.set = v.parse(raw)
  s.reviewerSet(o.set)
  const cited = o.verdict.draft.payload.set
  check(v.b64url(v.sha256(raw)) === cited.digest && o.set.epoch === cited.epoch && o.set.authority === o.trust.authority, 'set: not the one that the draft cites')
  const shapes = o.set.groups.map((g) => ({ group: g.group, threshold: g.threshold, members: g.members.length }))
  check(JSON.stringify(shapes) === JSON.stringify(o.head.groups), 'set: other groups than the head')
}

// 3. Request.
function checkRequest(o) {
  const who = (o.requester = byBoard(o.p.requester, 'sigill-requester+jws', s.requester, o.trust).payload)
  o.request = s.read(o.p.request, 'sigill-opening-request+jws', s.request, s.among([s.key(who.key)]))
  const r = o.request.payload
  check(who.authority === o.trust.authority && r.authority === o.trust.authority && r.decision === o.d.decision &&
    r.statement === o.verdict.decision.digest && r.date >= o.d.date, 'request: for another decision')
  check(who.revoked === undefined && v.within(r.date, who.from, who.until) && who.grounds.includes(r.ground), 'request: by one who may not ask')
  o.recipient = v.unb64url(r.recipient)
  if (!seal.publicKey(o.seed).equals(o.recipient)) throw new v.NotForKey('not for this key')
}

// 5. Log.
function checkLog(o) {
  o.requested = logged(o, o.p.requested, log.kinds.opening_requested, o.request.digest)
  o.released = logged(o, o.p.released, log.kinds.opening_released, o.release.digest)
  check(o.verdict.index < o.requested && o.requested < o.released, 'log: out of order')
  o.due = v.unb64url(o.p.released.tag).readUInt32BE()
}

function logged(o, e, kind, digest) {
  const made = log.entry(v.unb64url(e.preimage), v.unb64url(e.tag), kind, digest)
  const at = log.included(e.proof, made, o.trust.logs, o.trust.authority)
  check(at.size === o.verdict.size && at.root === o.verdict.root, 'log: another checkpoint')
  return at.index
}

// 6. Votes.
function checkVotes(o) {
  const members = o.set.groups.flatMap((g) => g.members.map((m) => ({ group: g.group, index: m.index, title: m.title, key: s.key(m.key) })))
  const active = members.filter((m) => !(o.set.revoked ?? []).includes(m.key.thumbprint))
  const seen = new Set()
  const r = o.request.payload
  o.votes = o.p.votes.map((cast) => {
    const read = s.read(cast.vote, 'sigill-opening-vote+jws', s.vote, s.among(active.map((m) => m.key)))
    const vote = read.payload
    const m = active.find((x) => x.key.thumbprint === read.key.thumbprint)
    check(vote.group === m.group && vote.index === m.index && !seen.has(m), 'votes: another seat, or twice')
    seen.add(m)
    fits(vote, r, o)
    check(vote.checkpoint.size > o.requested && vote.checkpoint.size <= o.released, 'votes: a checkpoint without the request')
    const vector = cast.vector === undefined ? undefined : v.unb64url(cast.vector)
    check((vector && v.b64url(v.sha256(vector))) === vote.vector, 'votes: another vector')
    return { vote, vector, digest: read.digest, title: m.title }
  })
}

function fits(vote, r, o) {
  check(['authority', 'decision', 'opening'].every((n) => vote[n] === r[n]) && vote.request === o.request.digest, 'votes: on another request')
  check(vote.granted.every((n) => r.sections.includes(n)), 'votes: grants what was not asked for')
  check(!vote.granted.includes('DISSENT_AUTHOR') || o.p.dissents.length > 0, 'votes: there is no dissent')
  check((vote.granted.length < r.sections.length) === (vote.refusal !== undefined), 'votes: refusal')
  const duty = s.groundForces[r.ground] === 'H'
  check(!duty || ((vote.refusal === undefined || ['AUTHENTICITY', 'SCOPE'].includes(vote.refusal.basis)) && vote.reservation === undefined), 'votes: a duty to give')
  const delay = vote.notice_not_before
  check(delay === undefined || (['POLICE_SUSPECT_OFFICIAL', 'INTERNAL_INVESTIGATION'].includes(r.ground) && delay.date >= r.date), 'votes: a delay that the law does not know')
  check(delay === undefined || v.dayNumber(delay.date) <= v.dayNumber(r.expires) + 366, 'votes: a delay without an end')
}

// 7. Count. Nobody votes twice here, so that every vote counts.
function checkCount(o) {
  const r = o.request.payload
  const on = o.release.payload.date
  const votes = o.votes.map((b) => b.vote)
  const of = (g) => votes.filter((x) => x.group === g.group && x.index <= g.members)
  const granted = []
  const denied = []
  let open = false
  for (const name of r.sections) {
    const yes = (g) => of(g).filter((x) => x.granted.includes(name)).length
    if (o.head.groups.every((g) => yes(g) >= g.threshold)) {
      granted.push(name)
      continue
    }
    open ||= !o.head.groups.some((g) => of(g).length - yes(g) > g.members - g.threshold)
    const against = votes.find((x) => x.refusal !== undefined && !x.granted.includes(name))
    denied.push({ provision: against?.refusal.provision ?? '', section: name })
  }
  check(granted.length > 0 && (!open || r.expires < on), 'count: not decided')
  const reserved = votes.some((x) => x.reservation !== undefined && x.granted.some((n) => granted.includes(n)))
  const made = {
    authority: r.authority, core: o.d.core, date: on, decision: r.decision, granted, opening: r.opening,
    outcome: reserved ? 'GRANTED_WITH_RESERVATION' : denied.length > 0 ? 'GRANTED_PARTIAL' : 'GRANTED_FULL',
    refused: denied, request: o.request.digest,
    votes: o.votes.map((b) => (b.vote.vector === undefined ? { vote: b.digest } : { vector: b.vote.vector, vote: b.digest })),
  }
  check(JSON.stringify(made) === JSON.stringify(o.release.payload), 'count: the release says something else')
  const delays = (g) => of(g).filter((x) => x.notice_not_before !== undefined)
  const first = votes.flatMap((x) => x.notice_not_before?.date ?? []).sort()[0]
  const due = o.head.groups.every((g) => delays(g).length >= g.threshold) && first > on ? first : on
  check(o.due === v.dayNumber(due), "count: the day of the author's notice")
}

// 8. Dissents.
function checkDissents(o) {
  check(new Set(o.p.dissents).size === o.p.dissents.length, 'dissents: one stands twice')
  o.dissents = o.p.dissents.map((c) => {
    const d = s.read(c, 'sigill-dissent+jws', s.dissent, s.among([o.verdict.draft.key])).payload
    check(d.authority === o.trust.authority && d.decision === o.d.decision, 'dissents: of another decision')
    return d.paragraphs
  })
}

// 9. Sections.
async function openSections(o) {
  const { granted } = o.release.payload
  check(JSON.stringify(o.p.ciphertexts.map((c) => c.section)) === JSON.stringify(granted), 'sections: other ciphertexts than what was granted')
  const shares = []
  o.bad = []
  for (const { vote, vector, title } of o.votes) {
    if (vector === undefined) continue
    const at = { group: vote.group, index: vote.index }
    try {
      const r = seal.releaseVector(vector)
      check(r.epoch === o.head.epoch && r.group === vote.group && r.index === vote.index && r.bitmap === bitmap(vote.granted), 'a vector of another vote')
      const about = { request: o.request.digest, recipient: o.recipient, root: vote.checkpoint.root }
      shares.push({ ...at, scalars: await seal.openVector(o.head, r, o.seed, about) })
    } catch (e) {
      if (!(e instanceof v.Refused)) throw e
      o.bad.push({ ...at, title })
    }
  }
  o.sections = {}
  for (const c of o.p.ciphertexts) {
    const plain = seal.openSection(o.head, numberOf(c.section), v.unb64url(c.bytes), shares)
    sectionForms[c.section](plain)
    o.sections[c.section] = plain
  }
}

const any = v.text(0, 12288)
const whole = v.int(Number.MIN_SAFE_INTEGER)
const person = v.object({ 'author?': v.yes, 'hsa_id?': any, 'issuer?': any, name: any, 'stated?': v.yes, 'subject?': any, title: any, 'unit?': any, 'user_id?': any })
const sectionForms = {
  DECIDER: v.object({ 'board?': any, item: any, kind: any, 'person?': person, 'protocol?': any }),
  PRESENTER: v.object({ 'person?': person }),
  PARTICIPANTS: v.object({ persons: v.list(person, 0, 100) }),
  DISSENT_AUTHOR: v.object({ person }),
  BIAS_DECLARATION: v.object({ declarations: v.list(v.object({ ordinal: whole, role: any, 'stated?': v.yes }), 0, 100) }),
  ASSESSMENT: v.object({ omitted: v.list(v.object({ assessor: any, date: v.date, ground: any, ordinal: whole, reference: any, review: v.date, role: any }), 0, 100) }),
  EVIDENCE: v.object({
    items: v.list(v.object({
      'acr?': any, 'auth_time?': v.int(1), 'authorship?': any, 'day_key?': s.jwk, key: v.text(1, 2048), key_index: v.int(0),
      label: v.oneOf('dpop', 'bearer'), nonce: v.binary(32, 32), provider: v.text(1, 12288), received: v.date, token: v.text(1, 8192), type: v.oneOf('access-token'),
    }), 1, 1),
  }),
}

// 10. Evidence.
function noEvidence(p) {
  check(p.providers.length === 0, 'evidence: key sets without it')
}

function checkEvidence(o, it) {
  const t = tokens.parseToken(it.token)
  const provider = o.trust.providers.find((x) => x.issuer === t.iss)
  check(provider !== undefined, 'evidence: a provider that the trust file does not list')
  check(publishedKey(o, it, t) === it.key, 'evidence: the provider had not published the key')
  const login = tokens.checkToken(t, it.key, provider, it.received)
  check(seal.authorCommitment(v.unb64url(it.nonce), login.issuer, login.subject) === o.d.author, 'evidence: the author commitment')
  check(it.received <= o.d.date && (it.acr ?? '') === login.acr && (it.auth_time ?? 0) === login.auth_time, 'evidence: time or level of the login')
  check((it.label === 'dpop') === (login.jkt !== undefined), 'evidence: label')
  check((it.label === 'dpop') === (it.day_key !== undefined) && (it.label === 'dpop') === (it.authorship !== undefined), 'evidence: label')
  if (it.label === 'dpop') {
    const day = s.key(it.day_key)
    const a = s.read(it.authorship, 'sigill-authorship+jws', s.authorship, s.among([day])).payload
    check(day.thumbprint === login.jkt && a.authority === o.trust.authority && a.draft === o.verdict.draft.digest &&
      a.author_key === o.verdict.draft.key.thumbprint, 'evidence: the day key has not signed this draft')
  }
  return login
}

/** The key of the token in the key set that the evidence cites; all are checked. */
function publishedKey(o, it, t) {
  let last = -1
  let key
  for (const e of o.p.providers) {
    const { payload, raw } = s.read(e.keys, 'sigill-provider-keys+jws', s.providerKeys, s.among(o.trust.logs))
    const index = logged(o, e.logged, log.kinds.provider_keys, v.b64url(v.sha256(raw)))
    check(payload.authority === o.trust.authority && index < o.verdict.index && index > last, 'evidence: a key set out of order')
    last = index
    if (index === it.key_index && payload.issuer === t.iss && payload.date <= it.received) key = tokens.findKey(v.unb64url(payload.jwks), t.kid, t.alg)
  }
  return key
}

function report(o) {
  const authors = Object.values(o.sections).flatMap((x) => [x.person, ...(x.persons ?? [])]).filter((x) => x?.author)
  const differ = (a, name) => o.login !== undefined && a[name] !== undefined && a[name] !== o.login[name]
  const names = ['issuer', 'subject', 'name', 'user_id', 'hsa_id']
  return {
    decision: `B-${o.d.date.slice(0, 4)}-${String(o.d.number).padStart(6, '0')}`, date: o.d.date, outcome: o.release.payload.outcome,
    granted: o.release.payload.granted, refused: o.release.payload.refused, sections: o.sections, dissents: o.dissents,
    authorship: o.login === undefined ? 'not disclosed' : o.sections.EVIDENCE.items[0].label, login: o.login,
    contradictions: [...new Set(authors.flatMap((a) => names.filter((n) => differ(a, n))))], bad_shares: o.bad,
  }
}
