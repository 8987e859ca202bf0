// Package password hashes and checks passwords within limits and holds the rules of new passwords (A6). All bcrypt calls of the program are
// here. bcrypt's work doubles with each cost step and cannot be interrupted. So costs have an upper bound, computations share few places,
// costs above UsualCost have their own, and waits end with the context.
package password
