// Proofs judges proofs as somebody else's software does: transparency-dev/merkle, which
// Tessera and Trillian stand on. It is of a module of its own, as fsck is.
//
// Each line of standard input is a proof, fields with a space between them, hashes in
// hex, those of the proof with commas between them, or - for none:
//
//	inclusion INDEX SIZE LEAF ROOT HASHES
//	consistency SIZE SIZE ROOT ROOT HASHES
//
// and each line of standard output what is made of it: ok or no.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if err := judge(in.Text()); err != nil {
			fmt.Println("no")
			continue
		}
		fmt.Println("ok")
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "proofs:", err)
		os.Exit(1)
	}
}

func judge(line string) error {
	var kind, a, b, list string
	var m, n uint64
	if _, err := fmt.Sscan(line, &kind, &m, &n, &a, &b, &list); err != nil {
		return err
	}
	var hashes [][]byte
	for h := range strings.SplitSeq(strings.Trim(list, "-"), ",") {
		if b := unhex(h); len(b) > 0 {
			hashes = append(hashes, b)
		}
	}
	if kind == "inclusion" {
		return proof.VerifyInclusion(rfc6962.DefaultHasher, m, n, unhex(a), hashes, unhex(b))
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, m, n, hashes, unhex(a), unhex(b))
}

func unhex(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}
