package token

import "golang.org/x/net/http2/hpack"

// PaddedStep is what an author's request, counted by [RequestSize], comes to whole steps
// of, in bytes: one for all but its content, and as many more as that takes. A length on
// the network tells nothing then of who writes or of what the record says; and of the
// content only how many steps it has, since a decision that is public would lead from its
// own length to the call that sent it.
const PaddedStep = 32 << 10

// Steps are the whole steps that n bytes take, in bytes.
func Steps(n int) int { return (n + PaddedStep - 1) / PaddedStep * PaddedStep }

// RequestSize is how many bytes of a request on the network vary: the values of its
// metadata, and its message of so many bytes. (Of HTTP/2's frames of 16 KiB there are as
// many around every message that is less than one frame from the same steps.) A binary
// value is given as it is sent, in base64 without padding.
func RequestSize(values []string, message int) int {
	size := message
	for _, v := range values {
		size += written(v)
	}
	return size
}

// written is how many bytes a value takes in a header block: its length, and its bytes or
// their Huffman code, whichever is shorter (RFC 7541, section 5.2).
func written(value string) int {
	n := min(uint64(len(value)), hpack.HuffmanEncodeLength(value))
	size := 1 + int(n)
	if n >= 127 { // the prefix of seven bits is full
		for n -= 127; ; n >>= 7 {
			if size++; n < 128 {
				break
			}
		}
	}
	return size
}
