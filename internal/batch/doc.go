// Package batch answers concurrent questions with one database statement. It knows no SQL, user or HTTP.
//
// There is no timer: the first question goes alone, later ones wait for a free worker. So groups grow with the load.
//
// It holds its share of O3: a canceled caller returns at once, a hanging group blocks one worker until its timeout, and an outage is one
// answer to all.
package batch
