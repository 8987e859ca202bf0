// Package operator decides, in the transaction of an act, whether the operator behind it may still act.
//
// An operator is an admin (a person, by the row in auth.users) or a service (by its API key). The edge admits a request on facts
// that are milliseconds old; a demotion, a deactivation or a revoked key may be committed in between. Each room that carries out
// an operator's act calls [Hold] first, with the transaction that writes the change and its audit event (O4).
//
// It knows no HTTP and no caches. When the build breaks here after a change of schema: db/queries/operators.sql holds its statements.
package operator
