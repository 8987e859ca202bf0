package identity

import "strconv"

const defaultPage = 20

type batchGetResponse struct {
	Kind          string     `json:"kind"`
	Users         []userView `json:"users,omitempty"`
	NextPageToken string     `json:"nextPageToken,omitempty"`
}

// batchGet pages by uid: the token is the last one. As at the emulator, the last page may be empty.
func (p *Provider) batchGet(c *call, _ *empty) (any, error) {
	query := c.request.URL.Query()
	size, err := pageSize(query.Get("maxResults"))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	users := p.users.page(query.Get("nextPageToken"), size)
	access := p.hashes.access(true)
	response := batchGetResponse{Kind: "identitytoolkit#DownloadAccountResponse"}
	for _, user := range users {
		response.Users = append(response.Users, view(user, access))
	}
	if len(users) == size {
		response.NextPageToken = users[size-1].LocalID
	}
	return response, nil
}

func pageSize(text string) (int, error) {
	if text == "" {
		return defaultPage, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < 0 {
		return 0, invalidArgument("Invalid value at 'max_results' (TYPE_INT32), %q", text)
	}
	if size == 0 {
		return defaultPage, nil
	}
	return min(size, maxBatch), nil
}
