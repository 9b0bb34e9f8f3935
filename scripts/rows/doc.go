// Package rows holds the project to its list of bad inputs and faults: each row of
// rows.txt has a test that bears its code (TestG07_nested is one of G07), or a reason
// in reasons.txt why it has none. The letters are J tokens, G gRPC and protobuf, S
// states, E seal and opening, D storage, C command line, L the log. What each row
// must be answered with, its test says.
package rows
