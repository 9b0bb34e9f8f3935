// Package e2e plays stories on the built programs: each file in stories is a
// testscript over sigill and a sigilld of its own, with an authority that
// scripts/authority makes. The claims of the README are these stories.
//
// Beside the commands of testscript a story has:
//
//	as USER             who calls from here on: token, day key, home, key
//	bearer USER         the same with a token that no day key is bound to
//	grab VAR PATH       a member of the JSON that was printed last
//	refused CODE ARGS   sigill must exit with CODE, print nothing on standard
//	                    output, leave every file as it is and every matter too
//	halt, resume        the server
//	watch DIR ARGS      a witness, until unwatch, which leaves what it told in told
//	offer IN OUT        show it the checkpoint under a decision; its lines are added
//	forge IN STATUS     show it another of that size, which it answers with STATUS
package e2e
