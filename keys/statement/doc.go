// Package statement holds what people and the institution sign about one
// decision: the author's [Draft], [Dissent] and [Withdrawal] under the one-time
// author key, the day key's [Authorship], the signer's [Approval], [Return],
// [Abstention] and [Dispatch], the institution's [Decision], and the log's
// [Receipt].
//
// Each is made with [jws.Make] and named by [jws.Digest]. Start with
// [ReadDecision], which verifies the chain decision ▸ approval ▸ draft and that
// what must be equal in them is; [CheckParts] says whether a content has what
// 32 and 33 §§ FL ask for. Members are in proto/SPEC.md, "Statements".
package statement
