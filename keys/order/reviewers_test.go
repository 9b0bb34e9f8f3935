package order_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"sigill/keys/ident"
	"sigill/keys/jws"
	"sigill/keys/order"
	"sigill/keys/vectors"
)

// group is a group of n whose keys have names of their own.
func group(t testing.TB, number, threshold, n int) order.Group {
	g := order.Group{Group: number, Name: "x", Threshold: threshold}
	for i := range n {
		name := fmt.Sprintf("%d-%d of %d", number, i+1, n)
		g.Members = append(g.Members, order.Reviewer{Archive: i == 0, HPKE: vectors.HPKE(t, name), Index: i + 1, Key: vectors.Ed25519(t, name).Public().JWK(), Title: "x"})
	}
	return g
}

func TestReviewerSetRefused(t *testing.T) {
	type R = order.ReviewerSet
	refused(t, func() *R { return newSet(t) }, []wrong[R]{
		{"no authority", func(r *R) { r.Authority = "" }, "authority", jws.ErrMissing},
		{"no date", func(r *R) { r.Date = "" }, "date", jws.ErrMissing},
		{"epoch 0", func(r *R) { r.Epoch = 0 }, "epoch", jws.ErrValue},
		{"epoch 1 after another", func(r *R) { r.Previous = vectors.Digest("x") }, "epoch", jws.ErrValue},
		{"epoch 2 after none", func(r *R) { r.Epoch = 2 }, "epoch", jws.ErrValue},
		{"epoch of 2^31", func(r *R) { r.Epoch, r.Previous = order.MaxEpoch+1, vectors.Digest("x") }, "epoch", jws.ErrValue},
		{"no groups", func(r *R) { r.Groups = []order.Group{} }, "groups", jws.ErrCount},
		{"five groups", func(r *R) { r.Groups = append(r.Groups, group(t, 3, 1, 3), group(t, 4, 1, 3), group(t, 5, 1, 3)) }, "groups", jws.ErrCount},
		{"groups out of order", func(r *R) { r.Groups[0].Group = 2 }, "groups[0]", jws.ErrValue},
		{"group twice", func(r *R) { r.Groups[1].Group = 1 }, "groups[1]", jws.ErrValue},
		{"group without name", func(r *R) { r.Groups[1].Name = "" }, "groups[1].name", jws.ErrMissing},
		{"group name of 101", func(r *R) { r.Groups[1].Name = text(101) }, "groups[1].name", jws.ErrLength},
		{"threshold 0", func(r *R) { r.Groups[0].Threshold = 0 }, "groups[0].threshold", order.ErrGroup},
		{"n = t + 1", func(r *R) { r.Groups[0].Threshold = 3 }, "groups[0].threshold", order.ErrGroup},
		{"n = t", func(r *R) { r.Groups[1].Threshold = 3 }, "groups[1].threshold", order.ErrGroup},
		{"n = 16", func(r *R) { r.Groups[1] = group(t, 2, 1, 16) }, "groups[1].threshold", order.ErrGroup},
		{"nobody", func(r *R) { r.Groups[1].Members = []order.Reviewer{} }, "groups[1].threshold", order.ErrGroup},
		{"index from 0", func(r *R) { r.Groups[0].Members[0].Index = 0 }, "groups[0].members[0]", jws.ErrValue},
		{"index twice", func(r *R) { r.Groups[0].Members[1].Index = 1 }, "groups[0].members[1]", jws.ErrValue},
		{"no title", func(r *R) { r.Groups[0].Members[1].Title = "" }, "groups[0].members[1].title", jws.ErrMissing},
		{"title of 101", func(r *R) { r.Groups[0].Members[1].Title = text(101) }, "groups[0].members[1].title", jws.ErrLength},
		{"no signing key", func(r *R) { r.Groups[0].Members[1].Key = jws.JWK{} }, "groups[0].members[1].key", jws.ErrKey},
		{"no HPKE key", func(r *R) { r.Groups[0].Members[1].HPKE = nil }, "groups[0].members[1].hpke", order.ErrHPKEKey},
		{"signing key in both groups", func(r *R) { r.Groups[1].Members[1].Key = r.Groups[0].Members[0].Key }, "groups[1].members[1]", order.ErrTwice},
		{"HPKE key twice", func(r *R) { r.Groups[0].Members[1].HPKE = r.Groups[0].Members[0].HPKE }, "groups[0].members[1]", order.ErrTwice},
		{"no archive key", func(r *R) { r.Groups[0].Members[3].Archive = false }, "groups[0].archive", jws.ErrCount},
		{"two archive keys", func(r *R) { r.Groups[0].Members[0].Archive = true }, "groups[0].archive", jws.ErrCount},
		{"thresholds of 17", func(r *R) { r.Groups = []order.Group{group(t, 1, 13, 15), group(t, 2, 4, 6)} }, "groups", order.ErrGroup},
		{"1,001 revoked", func(r *R) { r.Revoked = vectors.Sorted(1001) }, "revoked", jws.ErrCount},
		{"revoked out of order", func(r *R) { r.Revoked = []ident.Digest{vectors.Sorted(2)[1], vectors.Sorted(2)[0]} }, "revoked", jws.ErrValue},
		{"revoked twice", func(r *R) { r.Revoked = []ident.Digest{vectors.Digest("x"), vectors.Digest("x")} }, "revoked", jws.ErrValue},
		{"revoked nobody", func(r *R) { r.Revoked = []ident.Digest{{}} }, "revoked", jws.ErrValue},
		{"a group that can agree no more", func(r *R) { r.Revoked = thumbs(t, "reviewer 1 1", "reviewer 1 2", "reviewer 1 3") }, "groups[0].threshold", order.ErrGroup},
	})
	allowed(t, func() *R { return newSet(t) }, map[string]func(*R){
		"one of three": func(r *R) { r.Groups = []order.Group{group(t, 1, 1, 3)} },
		"thresholds of 16, the longest texts": func(r *R) {
			r.Groups = []order.Group{group(t, 1, 13, 15), group(t, 2, 1, 3), group(t, 3, 1, 3), group(t, 4, 1, 3)}
			r.Groups[0].Name, r.Groups[0].Members[0].Title = text(100), text(100)
		},
		"60 reviewers and 1,000 revoked": func(r *R) {
			r.Groups = []order.Group{group(t, 1, 4, 15), group(t, 2, 4, 15), group(t, 3, 4, 15), group(t, 4, 4, 15)}
			r.Revoked = vectors.Sorted(order.MaxRevoked)
		},
		"a group that can just agree": func(r *R) { r.Revoked = thumbs(t, "reviewer 1 1", "reviewer 1 2") },
	})
}

// TestLastEpoch: an epoch is four bytes in a seal.
func TestLastEpoch(t *testing.T) {
	r := newSet(t)
	if r.Epoch, r.Previous = order.MaxEpoch, vectors.Digest("x"); r.Check() != nil {
		t.Error("the last epoch is refused")
	}
}

func thumbs(t testing.TB, names ...string) []ident.Digest {
	out := []ident.Digest{}
	for _, n := range names {
		out = append(out, thumb(t, n))
	}
	slices.SortFunc(out, func(a, b ident.Digest) int { return bytes.Compare(a[:], b[:]) })
	return out
}

func TestMembers(t *testing.T) {
	r := newSet(t)
	for g, group := range r.Groups {
		for i, want := range group.Members {
			m, err := r.Member(g+1, i+1)
			if err != nil || !reflect.DeepEqual(m, want) {
				t.Errorf("member %d of group %d: %v", i+1, g+1, err)
			}
			key, _ := want.Key.Public()
			in, m, k, err := r.Find(key.Thumbprint())
			if err != nil || in != g+1 || m.Index != i+1 || !k.Equal(key) {
				t.Errorf("finding member %d of group %d: %v", i+1, g+1, err)
			}
		}
	}
	for _, at := range [][2]int{{0, 1}, {3, 1}, {-1, 1}, {1, 0}, {1, 5}, {2, 4}, {1, -1}} {
		if m, err := r.Member(at[0], at[1]); !errors.Is(err, order.ErrReviewer) || m.Index != 0 {
			t.Errorf("member %v: %v", at, err)
		}
	}
	if g, m, k, err := r.Find(thumb(t, "stranger")); !errors.Is(err, order.ErrReviewer) || g != 0 || m.Index != 0 || k != nil {
		t.Errorf("a stranger: %v", err)
	}
}

// TestReadNext: a new set is the old one's to make, by a quorum of every group.
func TestReadNext(t *testing.T) {
	r := newSet(t)
	next := func(change func(*order.ReviewerSet)) *order.ReviewerSet {
		n := nextSet(t)
		if change != nil {
			change(n)
		}
		return n
	}
	k := kind{"next", next(nil), func(s []string, doc order.Document) (ident.Digest, error) {
		return r.ReadNext(s, doc.(*order.ReviewerSet))
	}}
	quorum := []string{"reviewer 1 2", "reviewer 2 1", "reviewer 1 3"}
	for _, names := range [][]string{quorum, {"reviewer 1 1", "reviewer 1 4", "reviewer 2 3"}, {"reviewer 1 1", "reviewer 1 2", "reviewer 1 3", "reviewer 2 2"}} {
		got := &order.ReviewerSet{}
		want, _ := order.Digest(next(nil))
		if d, err := r.ReadNext(signed(t, next(nil), names...), got); err != nil || d != want || !reflect.DeepEqual(got, next(nil)) {
			t.Errorf("%v: %v", names, err)
		}
	}
	for _, c := range []struct {
		what string
		next *order.ReviewerSet
		by   []string
		want error
	}{
		{"t − 1 of the first group", next(nil), []string{"reviewer 1 2", "reviewer 2 1", "reviewer 2 2"}, order.ErrQuorum},
		{"none of the second group", next(nil), []string{"reviewer 1 1", "reviewer 1 2", "reviewer 1 3", "reviewer 1 4"}, order.ErrQuorum},
		{"nobody", next(nil), nil, order.ErrSignatures},
		{"one reviewer twice", next(nil), []string{"reviewer 1 2", "reviewer 1 2", "reviewer 2 1"}, order.ErrTwice},
		{"a stranger beside a quorum", next(nil), append(slices.Clone(quorum), "stranger"), jws.ErrUnknownKey},
		{"the board", next(nil), []string{"board 1", "board 2", "board 3"}, jws.ErrUnknownKey},
		{"the board beside a quorum", next(nil), append(slices.Clone(quorum), "board 1"), jws.ErrUnknownKey},
		{"an epoch left out", next(func(n *order.ReviewerSet) { n.Epoch = 3 }), quorum, order.ErrEpoch},
		{"the same epoch", next(func(n *order.ReviewerSet) { n.Epoch, n.Previous = 1, ident.Digest{} }), quorum, order.ErrEpoch},
		{"after another set", next(func(n *order.ReviewerSet) { n.Previous = vectors.Digest("x") }), quorum, order.ErrEpoch},
		{"another authority", next(func(n *order.ReviewerSet) { n.Authority = "202100-0019" }), quorum, order.ErrEpoch},
		{"a set that is wrong in itself", next(func(n *order.ReviewerSet) { n.Groups[0].Threshold = 4 }), quorum, order.ErrGroup},
	} {
		refuse(t, c.what, k, signed(t, c.next, c.by...), c.want)
	}
	refuse(t, "two payloads", k, append(signed(t, next(nil), "reviewer 1 2", "reviewer 2 1"),
		signed(t, next(func(n *order.ReviewerSet) { n.Date = "2026-11-21" }), "reviewer 1 3")...), order.ErrPayloads)
	all := signed(t, next(nil), append(quorum, "reviewer 1 1")...)
	all[3] = all[3][:len(all[3])-4] + "AAAA"
	refuse(t, "a wrong signature beside a quorum", k, all, nil)
}

// TestRevoked: a revoked key makes no set, not even in a quorum's company, and
// no later set takes the revocation back.
func TestRevoked(t *testing.T) {
	second := nextSet(t)
	second.Revoked = thumbs(t, "reviewer 1 1", "reviewer 1 2")
	mine, err := order.Digest(second)
	if err != nil {
		t.Fatal(err)
	}
	third := nextSet(t)
	third.Epoch, third.Previous, third.Revoked = 3, mine, second.Revoked
	k := kind{"third", third, func(s []string, doc order.Document) (ident.Digest, error) {
		return second.ReadNext(s, doc.(*order.ReviewerSet))
	}}
	quorum := []string{"reviewer 1 3", "reviewer 1 4", "reviewer 2 1"}
	if _, err := k.read(signed(t, third, quorum...), &order.ReviewerSet{}); err != nil {
		t.Fatal(err)
	}
	refuse(t, "a revoked member for a quorum", k, signed(t, third, "reviewer 1 2", "reviewer 1 3", "reviewer 2 1"), jws.ErrUnknownKey)
	refuse(t, "a revoked member beside a quorum", k, signed(t, third, append(slices.Clone(quorum), "reviewer 1 2")...), jws.ErrUnknownKey)
	refuse(t, "one who has left and is revoked", k, signed(t, third, append(slices.Clone(quorum), "reviewer 1 1")...), jws.ErrUnknownKey)
	for what, revoked := range map[string][]ident.Digest{"all": nil, "one": thumbs(t, "reviewer 1 1"), "one for another": thumbs(t, "reviewer 1 1", "reviewer 2 2")} {
		back := *third
		back.Revoked = revoked
		refuse(t, "taking back "+what, k, signed(t, &back, quorum...), order.ErrRevoked)
	}
}

// TestBoardMakesTheFirstSetOnly: after that the seals belong to the reviewers.
func TestBoardMakesTheFirstSetOnly(t *testing.T) {
	k := kind{"reviewer-set-2", nextSet(t), board(t).Read}
	refuse(t, "a later set by the board", k, signed(t, nextSet(t), "board 1", "board 2", "board 3"), order.ErrEpoch)
}

// Low-order and doubled X25519 points and malformed ML-KEM keys
// are refused wherever a key is registered.
func TestE13_hpkeKeys(t *testing.T) {
	good := vectors.HPKE(t, "hpke-1-1")
	if k, err := order.ParseHPKEKey(good); err != nil || !bytes.Equal(k.Bytes(), good) {
		t.Fatal(err)
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	point := func(n *big.Int) []byte {
		b := n.FillBytes(make([]byte, 32))
		slices.Reverse(b)
		return b
	}
	dec := func(s string) *big.Int { n, _ := new(big.Int).SetString(s, 10); return n }
	add := func(n *big.Int, d int64) *big.Int { return new(big.Int).Add(n, big.NewInt(d)) }
	points := map[string]*big.Int{
		"0": big.NewInt(0), "1": big.NewInt(1), "p−1": add(p, -1), "p": p, "p+1": add(p, 1), "9 as p+9": add(p, 9), "2^255−1": add(p, 18),
		"order 8":         dec("325606250916557431795983626356110631294008115727848805560023387167927233504"),
		"order 8, second": dec("39382357235489614581723060781553021112529911719440698176882885853963445705823"),
	}
	top := new(big.Int).Lsh(big.NewInt(1), 255)
	for _, name := range []string{"0", "1", "p−1", "order 8", "order 8, second"} {
		points[name+", top bit set"] = new(big.Int).Add(points[name], top)
	}
	own := slices.Clone([]byte(good[order.HPKEKeySize-32:]))
	slices.Reverse(own)
	points["its own with the top bit set"] = new(big.Int).Add(new(big.Int).SetBytes(own), top)
	bad := map[string][]byte{"nothing": nil, "a byte less": good[:len(good)-1], "a byte more": append(slices.Clone(good), 0), "X25519 alone": good[len(good)-32:], "zeros": make([]byte, len(good))}
	for name, n := range points {
		bad["X25519 "+name] = append(slices.Clone(good[:len(good)-32]), point(n)...)
	}
	for _, at := range []int{0, 381, 1149} { // coefficients of 12 bits that are not below 3329
		b := slices.Clone(good)
		b[at], b[at+1] = 0x01, b[at+1]&0xf0|0x0d // 0xd01
		bad[fmt.Sprintf("ML-KEM coefficient 3329 at %d", at)] = b
		b = slices.Clone(good)
		b[at], b[at+1] = 0xff, b[at+1]|0x0f
		bad[fmt.Sprintf("ML-KEM coefficient 4095 at %d", at)] = b
	}
	for name, b := range bad {
		if k, err := order.ParseHPKEKey(b); !errors.Is(err, order.ErrHPKEKey) || k != nil {
			t.Errorf("%s: %v", name, err)
		}
		set := newSet(t)
		set.Groups[1].Members[0].HPKE = b
		out, err := order.Sign(vectors.Ed25519(t, "board 1"), set)
		vectors.Blames(t, name, err, "groups[1].members[0].hpke", order.ErrHPKEKey)
		if out != "" {
			t.Errorf("%s: signed", name)
		}
	}
	nine := append(slices.Clone(good[:len(good)-32]), point(big.NewInt(9))...)
	edge := slices.Clone(good)
	edge[0], edge[1] = 0x00, edge[1]&0xf0|0x0d // 3328
	for _, b := range [][]byte{nine, edge} {
		if _, err := order.ParseHPKEKey(b); err != nil {
			t.Errorf("a usable key is refused: %v", err)
		}
	}
}
