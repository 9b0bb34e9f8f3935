// A court's tool, written from proto/SPEC.md alone: opens an opening package and
// prints what was granted, as JSON, once every check has passed.
//
//	node court.mjs PACKAGE TRUST RECIPIENT
//
// TRUST is the trust file, which the court has from the authority's board.
// RECIPIENT holds the private key of the request: the 32 bytes as they are, or
// the plaintext of a key file (`age -d`). "-" is standard input, once.
//
// Exit codes: 0 opened; 1 a file could not be read; 3 the package does not
// verify, and nothing was printed; 4 the tool cannot tell; 5 not for this key.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { trust } from './bundle.mjs'
import { open } from './opening.mjs'
import * as v from './values.mjs'

/** The seed of a recipient key, raw or in the plaintext of a key file. */
export function recipientSeed(data) {
  if (data.length === 32) return data
  const k = v.parse(data)
  v.object({ 'authority?': v.authority, seed: v.binary(32, 32), typ: v.oneOf('sigill-key'), use: v.oneOf('recipient') })(k)
  return v.unb64url(k.seed)
}

/** Runs a tool and gives its exit code. */
export async function run(tool) {
  try {
    await tool()
    return 0
  } catch (e) {
    if (e.syscall !== undefined) {
      console.error(`cannot read a file: ${e.code}`)
      return 1
    }
    const known = [v.Refused, v.CannotTell, v.NotForKey].some((kind) => e instanceof kind)
    console.error(known ? e.message : 'does not verify: not of the form that is due')
    return e instanceof v.CannotTell ? 4 : e instanceof v.NotForKey ? 5 : 3
  }
}

async function main([pkg, trustFile, recipient, ...more]) {
  if (recipient === undefined || more.length > 0) {
    console.error('usage: node court.mjs PACKAGE TRUST RECIPIENT')
    return 1
  }
  const read = (path) => readFileSync(path === '-' ? 0 : path)
  return run(async () => {
    const opened = await open(read(pkg), trust(read(trustFile)), recipientSeed(read(recipient)))
    console.log(JSON.stringify(opened, null, 2))
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main(process.argv.slice(2))
