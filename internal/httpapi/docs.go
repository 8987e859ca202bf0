package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"sync"

	swaggerui "github.com/swaggo/files/v2"

	authored "auth-v2-service/api"
	"auth-v2-service/gen/api"
)

type docsHandlers struct {
	page docsPage
}

func (h docsHandlers) GetContract(context.Context, api.GetContractRequestObject) (api.GetContractResponseObject, error) {
	return api.GetContract200ApplicationYamlResponse{
		Body: bytes.NewReader(authored.Contract), ContentLength: int64(len(authored.Contract)),
	}, nil
}

func (h docsHandlers) GetDocs(context.Context, api.GetDocsRequestObject) (api.GetDocsResponseObject, error) {
	return docsResponse{h.page}, nil
}

// docsPage inlines Swagger UI: it works offline, and its policy names scripts by hash.
type docsPage struct {
	html   []byte
	policy string
}

const docsScript = `
window.ui = SwaggerUIBundle({url: "/openapi.yaml", dom_id: "#docs", deepLinking: true, validatorUrl: null});
`

var docsTemplate = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>auth-v2-service</title>
<link rel="icon" href="data:,">
<style>{{.Style}}</style>
</head>
<body>
<div id="docs"></div>
<script>{{.Bundle}}</script>
<script>{{.Script}}</script>
</body>
</html>
`))

// newDocsPage renders the page once a process: the script is large.
var newDocsPage = sync.OnceValues(renderDocsPage)

func renderDocsPage() (docsPage, error) {
	bundle, err := fs.ReadFile(swaggerui.FS, "swagger-ui-bundle.js")
	if err != nil {
		return docsPage{}, fmt.Errorf("read the documentation's script: %w", err)
	}
	style, err := fs.ReadFile(swaggerui.FS, "swagger-ui.css")
	if err != nil {
		return docsPage{}, fmt.Errorf("read the documentation's style: %w", err)
	}
	var html bytes.Buffer
	err = docsTemplate.Execute(&html, map[string]any{
		// #nosec G203 -- files of a pinned module and a constant, nothing of a request
		"Style": template.CSS(style), "Bundle": template.JS(bundle), "Script": template.JS(docsScript),
	})
	if err != nil {
		return docsPage{}, fmt.Errorf("render the documentation: %w", err)
	}
	return docsPage{html: html.Bytes(), policy: docsPolicy(bundle, []byte(docsScript))}, nil
}

// docsPolicy allows these scripts and this origin only.
func docsPolicy(scripts ...[]byte) string {
	policy := "default-src 'none'; connect-src 'self'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; script-src"
	for _, script := range scripts {
		sum := sha256.Sum256(script)
		policy += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return policy
}

// docsResponse replaces the edge's policy.
type docsResponse struct{ docsPage }

// VisitGetDocsResponse implements api.GetDocsResponseObject.
func (r docsResponse) VisitGetDocsResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", r.policy)
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(r.html)
	return err
}
