// Package password computes and checks password hashes within bounds, and holds the rules of a new password (A6). It is pure: it
// knows neither the database nor HTTP.
//
// bcrypt's work doubles with each step of a hash's cost, and cannot be interrupted. So the cost is read before anything is computed
// and has an upper bound, each computation takes one of a few places, costs above UsualCost have a place of their own, and no
// caller waits longer than its context lasts. An Attempt gives every refused sign-in the same work, whatever hash the row has.
//
// Every bcrypt call of the program is in this package.
package password
