#!/usr/bin/env bash
# Generates clients from api/openapi.yaml by the generators that frontend and Go teams use (tools/clients pins them), type-checks them
# under strict, and runs each against a service that it starts: register, me, verify-token, refresh, logout, token_revoked. A generator
# that warns fails the script.
set -euo pipefail
cd "$(dirname "$0")/.."

stack=$(mktemp -d)
up=
stop() {
	if [ -n "$up" ]; then
		kill -INT "$up" 2>/dev/null || true
		wait "$up" || true
	fi
	rm -rf "$stack"
}
trap stop EXIT

bin/authdev up --dir "$stack" --port 3108 >"$stack/log" 2>&1 &
up=$!

# quietly NAME COMMAND: runs a generator, whose words are shown where it fails or warns.
quietly() {
	local name=$1 began=$SECONDS
	shift
	if ! "$@" >"$stack/words" 2>&1 || grep -qiE 'warn|deprecat' "$stack/words"; then
		printf 'FAIL  %s:\n%s\n' "$name" "$(cat "$stack/words")" >&2
		exit 1
	fi
	echo "ok    $name generates ($((SECONDS - began)) s)"
}

contract=$PWD/api/openapi.yaml
tools/npm-install.sh tools/clients
cd tools/clients
rm -rf generated go/generated
mkdir -p generated/openapi-zod-client go/generated/oapi
export PATH=$PWD/node_modules/.bin:$PATH NO_UPDATE_NOTIFIER=1
quietly openapi-typescript openapi-typescript "$contract" --output generated/openapi-typescript/schema.ts
quietly @hey-api/openapi-ts openapi-ts --input "$contract" --output generated/hey-api
quietly orval orval --config orval.config.cjs
quietly kubb kubb generate --config kubb.config.mjs
quietly swagger-typescript-api swagger-typescript-api generate --path "$contract" --output generated/swagger-typescript-api --name api.ts
quietly openapi-zod-client openapi-zod-client "$contract" --output generated/openapi-zod-client/api.ts
cd go
quietly ogen go tool ogen --config ogen.yml --target generated/ogen --package ogen --clean "$contract"
quietly oapi-codegen go tool oapi-codegen -package oapi -generate types,client -o generated/oapi/client.gen.go "$contract"
go build -o "$stack/go-clients" .
cd ..
tsc -p .
echo "ok    all of it compiles (${SECONDS} s)"

# run.env is written when everything answers.
for _ in $(seq 240); do
	if [ -e "$stack/run.env" ] || ! kill -0 "$up" 2>/dev/null; then break; fi
	sleep 0.5
done
AUTH_URL=$(sed -n 's/^AUTH_URL=//p' "$stack/run.env") || { cat "$stack/log" >&2; exit 1; }
export AUTH_URL
esbuild flows/main.ts --bundle --platform=node --format=esm --log-level=error --outfile="$stack/flows.mjs" \
	--banner:js='import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'
node "$stack/flows.mjs"
"$stack/go-clients"
