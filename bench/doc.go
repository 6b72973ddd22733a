// Package bench measures onetoken beside its peers, on the same work in one run.
// What is measured is in the tests, a file for each; they leave one results file,
// of which [github.com/onetoken-go/onetoken/bench/report] makes docs/performance.md
// and docs/scaling.md.
//
//	make bench        # five runs of each, and both documents anew
//	make bench-smoke  # one small run of each, nothing written
//
// A quick look, of one run and one measurement, ends up in x.json.partial:
//
//	go test -v -run ColdHerd . -args -runs 1 -results x.json
//
// A module of its own, because nobody who uses onetoken needs the peers.
package bench
