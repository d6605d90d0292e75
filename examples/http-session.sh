#!/bin/sh
# A session with the HTTP service, by curl. Start the service first: npm start
#
#   sh examples/http-session.sh [http://127.0.0.1:8080]
set -eu
url="${1:-http://127.0.0.1:8080}"

run() {
  printf '\n$ curl'
  printf ' %s' "$@"
  printf '\n'
  curl --silent --show-error --max-time 10 "$@"
  printf '\n'
}

# Store a value for an hour. The answer is 201 and repeats the TTL.
run -i -X PUT "$url/cache/user:123" \
  -H 'Content-Type: application/json' -H 'X-Cache-TTL: 3600' -d '{"name":"Alice"}'

# Read it: 200, X-Cache-Hit: true, the seconds that remain, the stored content type.
run -i "$url/cache/user:123"

# A slash, a space or any other character inside a key is percent-encoded.
run -i -X PUT "$url/cache/reports%2F2024%20Q1" -H 'Content-Type: text/plain' -d 'all is well'
run "$url/cache/reports%2F2024%20Q1"

# Files are stored byte for byte.
run -i -X PUT "$url/cache/this-script" -H 'Content-Type: text/x-shellscript' --data-binary "@$0"

# What is not there: 404 with X-Cache-Hit: false.
run -i "$url/cache/nobody"

# A TTL must be whole seconds above zero: 422, and nothing is stored.
run -i -X PUT "$url/cache/refused" -H 'X-Cache-TTL: soon' -d 'x'

# Remove entries: 204, whether they were there or not.
run -i -X DELETE "$url/cache/user:123"
run -i -X DELETE "$url/cache/reports%2F2024%20Q1"
run -i -X DELETE "$url/cache/this-script"

# Whether the service takes requests.
run -i "$url/health"
