// Package archtest has no code: its tests hold the structure of the repository.
//
// They hold the import table, the places of SQL and of the environment, the rules' tests, the pages' links and the limits of indirect
// words.
//
// When an import test breaks here, move the code to the room whose question it answers, or argue for a new line in the table.
package archtest
