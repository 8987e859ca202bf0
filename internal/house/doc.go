// Package house has no code: its tests hold the structure of the repository. Which room may import which, that nothing but
// gen/db holds SQL, that nobody but internal/config reads the environment, and that nothing of the development stack is in
// authd. When a test breaks here, an import points the wrong way: move the code to the room whose question it answers, or
// argue for a new line in the table.
package house
