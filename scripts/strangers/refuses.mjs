// Tries packages that must not open, many in one process: for the tests alone.
//
//	node refuses.mjs flips PACKAGE TRUST RECIPIENT COUNT
//	node refuses.mjs each FOLDER
//
// flips opens a package with the low bit of one byte changed, for COUNT bytes
// spread evenly; the package itself must open. each opens what lies in the
// folders of FOLDER, as package.json, trust.json and recipient. It prints how
// many were refused; exit code 0: all of them were, and for what they are.
import { readdirSync, readFileSync } from 'node:fs'
import { trust } from './bundle.mjs'
import { recipientSeed } from './court.mjs'
import { open } from './opening.mjs'
import { Refused } from './values.mjs'

let refused = 0
async function mustRefuse(name, pkg, t, seed) {
  try {
    await open(pkg, t, seed)
    console.error(`not refused: ${name}`)
    process.exitCode = 1
  } catch (e) {
    if (!(e instanceof Refused)) throw new Error(`not refused for what it is: ${name}`, { cause: e })
    refused++
  }
}

const [how, ...args] = process.argv.slice(2)
if (how === 'flips') {
  const [pkg, t, seed] = [readFileSync(args[0]), trust(readFileSync(args[1])), recipientSeed(readFileSync(args[2]))]
  await open(pkg, t, seed)
  for (let i = 0; i < Number(args[3]); i++) {
    const at = Math.floor((i * pkg.length) / Number(args[3]))
    const changed = Buffer.from(pkg)
    changed[at] ^= 1
    await mustRefuse(`byte ${at}`, changed, t, seed)
  }
} else {
  for (const name of readdirSync(args[0])) {
    const read = (file) => readFileSync(`${args[0]}/${name}/${file}`)
    await mustRefuse(name, read('package.json'), trust(read('trust.json')), recipientSeed(read('recipient')))
  }
}
console.log(refused)
