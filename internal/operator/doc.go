// Package operator decides in the transaction of an act whether its operator may still act. Each act calls [Hold] in the transaction that
// writes the change and its audit event (O4): the request was admitted on older facts.
//
// When the build breaks here after a schema change, see db/queries/operators.sql.
package operator
