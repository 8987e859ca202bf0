package identity

import "time"

// Mail is a "sent" one-time code.
type Mail struct {
	Type, Email, NewEmail, Code, Link string
	Sent                              time.Time
}

// Mails lists unused mails, oldest first.
func (p *Provider) Mails() []Mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	codes := p.sortedCodes()
	mails := make([]Mail, 0, len(codes))
	for _, c := range codes {
		mails = append(mails, Mail{Type: c.Type, Email: c.Email, NewEmail: c.NewEmail, Code: c.Code, Link: c.Link, Sent: c.Sent})
	}
	return mails
}
