// Package clock measures how far PostgreSQL's and Firebase's clocks are ahead of this machine's, from answers that the service receives
// anyway. It derives one time that no single wrong clock moves. It holds the clocks' part of T2, T4, A7 and A10. Statements add its offsets
// to PostgreSQL's clock.
package clock
