// Package archtest has no code: its tests hold the structure of the repository.
//
// They check imports, SQL, the environment, rules, links and indirect words. When an import test breaks here, move the code to the room
// that answers its question, or argue for a new line in the table.
package archtest
