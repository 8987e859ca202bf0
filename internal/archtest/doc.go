// Package archtest has no code: its tests hold the structure of the repository.
//
// Only the rooms of the import table import each other. Only gen/db holds SQL. Only internal/config reads the environment. authd holds
// nothing of the development stack. Each rule of docs/rules.md has a test, the picture of docs/architecture.md is the import table, and
// links between pages lead somewhere. Comments and pages keep to their limits of indirect words.
//
// When an import test breaks here, an import points the wrong way: move the code to the room whose question it answers, or argue for a new
// line in the table.
package archtest
