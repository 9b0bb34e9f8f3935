// Follows a trust file by the succession that its board has signed, and verifies
// decisions by the one that takes its place.
//
//	node follows.mjs TRUST SUCCESSION [BUNDLE...]
//
// It prints the digest of the trust file that follows. Exit codes as court.mjs's.
import { readFileSync } from 'node:fs'
import { successor, trust, verifyBundle } from './bundle.mjs'
import { run } from './court.mjs'

const [trustFile, succession, ...bundles] = process.argv.slice(2)
process.exitCode = await run(async () => {
  const next = successor(readFileSync(succession), trust(readFileSync(trustFile)))
  for (const b of bundles) verifyBundle(readFileSync(b), next)
  console.log(JSON.stringify({ digest: next.digest }))
})
