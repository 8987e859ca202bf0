// Package rollback brings users back from Firebase (M7): their rows are local again and keep the uid. A password that was changed at Firebase
// comes along as its hash. Nothing is deleted at Firebase.
//
// [Returner.Page] exports a page of accounts, changes its rows, and exports it again: a change at Firebase in between is seen and taken over.
// Users that only Firebase can sign in stay there, each with a code.
package rollback
