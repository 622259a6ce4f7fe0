// Package play plays three crowds against a running firstcome, over HTTP only,
// and audits what was decided.
//
//	Noon       a club's opening: members read, tap, read again, round after round
//	Stampede   far more members than places, many tap twice, some lose their connection
//	Like       a constant stream of reactions without a cap
//
// A play prepares its campaigns through the admin API, warms up on others that
// are not measured, plays, and ends with the audit: every answer is held
// against the admin's list (package history), every campaign's books must be
// equal in log, gate and ledger, and the engine's own full audit must be clean.
// A report's figures are worth nothing without it, so there is no way around.
package play
