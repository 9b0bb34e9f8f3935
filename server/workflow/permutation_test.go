package workflow_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// A permutation test: how often chance alone would make two things go together as much
// as they do. Only what is in one stratum is exchanged, since everybody may know of what
// stratum something is.

const (
	some = 999
	many = 999999 // where chance never did it in some: a fault, or one in a thousand
)

// floor is the least p-value of so many shuffles: chance never did it.
func floor(shuffles int) float64 { return 1 / float64(shuffles+1) }

// pValues holds where things stand against the order and the hour in which they came,
// by rank, and counts how many stand beside another of the same author's.
func pValues(list []sighting, shuffles ...int) map[string]float64 {
	strata := map[int][]sighting{}
	for _, s := range list {
		strata[s.stratum] = append(strata[s.stratum], s)
	}
	var at, order, hour, author [][]float64
	for _, group := range strata {
		slices.SortFunc(group, func(a, b sighting) int { return cmp.Compare(a.at, b.at) })
		at = append(at, ranks(group, func(s sighting) float64 { return s.at }))
		order = append(order, ranks(group, func(s sighting) float64 { return s.order }))
		hour = append(hour, ranks(group, func(s sighting) float64 { return s.hour }))
		by := make([]float64, len(group))
		for i, s := range group {
			by[i] = float64(s.author)
		}
		author = append(author, by)
	}
	out := map[string]float64{
		"order": permuted(at, order, covariance, shuffles...),
		"hour":  permuted(at, hour, covariance, shuffles...),
	}
	if distinct(at) { // neighbours are where no two stand in one place
		out["author"] = permuted(at, author, neighbours, shuffles...)
	}
	return out
}

// ranks are centred, with the mean of those that are equal.
func ranks(list []sighting, of func(sighting) float64) []float64 {
	sorted := make([]float64, len(list))
	for i, s := range list {
		sorted[i] = of(s)
	}
	slices.Sort(sorted)
	out := make([]float64, len(list))
	for i, s := range list {
		first, _ := slices.BinarySearch(sorted, of(s))
		after, _ := slices.BinarySearchFunc(sorted, of(s), func(a, b float64) int {
			if a <= b {
				return -1
			}
			return 1
		})
		out[i] = float64(first+after-1)/2 - float64(len(list)-1)/2
	}
	return out
}

func distinct(at [][]float64) bool {
	for _, group := range at {
		if len(slices.Compact(slices.Clone(group))) < len(group) {
			return false
		}
	}
	return true
}

func covariance(x, y []float64) (sum float64) {
	for i := range x {
		sum += x[i] * y[i]
	}
	return sum
}

// neighbours counts pairs of one author. Things are given in the order in which they stand.
func neighbours(_, author []float64) (n float64) {
	for i := 1; i < len(author); i++ {
		if author[i] == author[i-1] {
			n++
		}
	}
	return n
}

// permuted is the p-value of a statistic that is as far from its mean as this one: by
// the first number of shuffles, and if that is the least by the next.
func permuted(x, y [][]float64, statistic func(x, y []float64) float64, shuffles ...int) float64 {
	total := func() (sum float64) {
		for i := range x {
			sum += statistic(x[i], y[i])
		}
		return sum
	}
	var before [][]float64
	for _, group := range y {
		before = append(before, slices.Clone(group))
	}
	is, random := total(), rand.New(rand.NewPCG(3, 4))
	drawn, mean := make([]float64, shuffles[0]), 0.0
	for n := range drawn {
		for _, group := range y {
			random.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
		}
		drawn[n] = total()
		mean += drawn[n] / float64(shuffles[0])
	}
	far := 1.0
	for _, d := range drawn {
		if math.Abs(d-mean) >= math.Abs(is-mean)-1e-6 {
			far++
		}
	}
	if far > 1 || len(shuffles) == 1 {
		return far * floor(shuffles[0])
	}
	return permuted(x, before, statistic, shuffles[1:]...)
}

// planted are things that stand as a careless server would have put them: half of a
// stratum in the order in which they came and by the hour, authors together.
func planted(list []sighting) []sighting {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b sighting) int {
		return cmp.Or(cmp.Compare(a.stratum, b.stratum), cmp.Compare(a.author, b.author), cmp.Compare(a.order, b.order))
	})
	for i := range out {
		out[i].at, out[i].order, out[i].hour = float64(i), float64(i), float64(i)
	}
	return out
}
