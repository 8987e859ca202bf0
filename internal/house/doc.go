// Package house has no code: its tests hold the structure of the repository. Which room may import which, that nothing but
// gen/db holds SQL, that nobody but internal/config reads the environment, and that nothing of the development stack is in
// authd; that the rules of docs/rules.md have tests, that the picture of docs/architecture.md is the import table, and that links between
// pages lead somewhere. When an import test breaks here, an import points the wrong way: move the code to the room whose question it answers, or
// argue for a new line in the table.
package house
