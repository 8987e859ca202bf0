package principal

// Response is a rendered answer about a principal. It is reused while its token and facts are valid (E1).
type Response interface {
	// Size returns the memory that the answer takes, in bytes.
	Size() int
}

// ResponseKind selects one of the answers about a principal, below ResponseKinds.
type ResponseKind int

// ResponseKinds is the number of answers kept beside a token.
const ResponseKinds = 2

// CachedResponse returns the answer about a compact token from memory alone. It returns false where an entry is missing, expired or
// refused; Resolve then gives the reason.
//
// Token expiry, facts' age and invalidations count as in Resolve (T4, T5, T6). An answer is valid while its reading number matches the
// facts.
func (r *Resolver) CachedResponse(compact []byte, form ResponseKind) (Response, bool) {
	key := keyOf(compact)
	v, facts := r.remembered(key)
	if facts == nil {
		return nil, false
	}
	answer := v.responses[form]
	if v.reading != facts.reading || answer == nil {
		if answer = r.makeResponse(key, v, facts, form); answer == nil {
			return nil, false
		}
	}
	r.cache.used(v, facts)
	return answer, true
}

// makeResponse renders and stores an answer from the current facts, or returns nil.
func (r *Resolver) makeResponse(key tokenKey, v *verified, facts *known, form ResponseKind) Response {
	p, err := admit(v.claims, facts.user)
	if err != nil || r.render == nil {
		return nil
	}
	made := r.render(form, p)
	if made == nil {
		return nil
	}
	next := verified{claims: v.claims, userID: v.userID, reading: facts.reading}
	if v.reading == facts.reading {
		next.responses = v.responses
	}
	next.responses[form] = made
	r.cache.keepToken(key, next)
	return made
}
