// Package password hashes and checks passwords and holds the rules of new ones (A6). All bcrypt calls are here, and Firebase's scrypt for
// returned users (M7). bcrypt's work doubles with each cost and cannot be interrupted, so cost, parallel computations and waits are bounded.
// Costs above UsualCost have a place of their own.
package password
