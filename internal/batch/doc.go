// Package batch answers together what is asked at the same time: questions that wait for a statement of the database share one.
//
// It owns who waits for whom, and knows neither questions nor answers: no SQL, no user, no HTTP. There is no timer: the first question
// is asked at once and alone, and whatever gathers while others are under way is sent as soon as a lane is free, of many the half.
// Before either, those run who are ready to ask; where nobody is, that takes no time. So at low load nothing changes, and the higher
// the load, the more questions a statement answers.
//
// It holds its share of O3: who leaves is gone at once, a group's time is limited, one that hangs takes its lane and no other's, and
// an outage is everybody's answer, once. A group that fails because of one member harms none of the others.
package batch
