#!/usr/bin/env bash
# Installs the outside judges that no package of the system has into a folder outside of this tree:
#
#     scripts/judges/install.sh FOLDER
#     CKM_JUDGES=FOLDER npm test
#
# What is there already in the wanted version stays. Says which could not be installed, and ends with 1 then.
set -u
folder=${1:?the folder to install into}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder/bin" && folder=$(cd "$folder" && pwd) || exit 1

BTCD=v0.26.2
# Longer than any of them takes on a busy machine.
LONGEST=1200

# attempt NAME COMMAND…: twice, because a registry may be out of reach for a moment; what it says is shown only if it fails.
attempt() {
  local name=$1 said
  shift
  for _ in 1 2; do
    said=$(timeout "$LONGEST" "$@" 2>&1 </dev/null) && return 0
  done
  echo "judges: $name could not be installed: $(tail -n 3 <<<"$said" | tr '\n' ' ')"
  return 1
}

install_btcd() {
  local go
  [ -x "$folder/bin/btcd" ] && [ "$(cat "$folder/btcd.version" 2>/dev/null)" = "$BTCD" ] && return 0
  go=$(command -v go || echo /usr/local/go/bin/go)
  rm -f "$folder/btcd.version"
  attempt btcd env GOBIN="$folder/bin" "$go" install "github.com/btcsuite/btcd@$BTCD" || return 1
  echo "$BTCD" >"$folder/btcd.version"
}

install_python() {
  cmp -s "$here/python.txt" "$folder/python.txt" && "$folder/venv/bin/python" -c '' 2>/dev/null && return 0
  rm -rf "$folder/venv" "$folder/python.txt"
  attempt 'the environment for Python' python3 -m venv "$folder/venv" || return 1
  attempt 'py-bitcoinkernel, bdkpython, embit, zxing-cpp' "$folder/venv/bin/pip" install --quiet --requirement "$here/python.txt" || return 1
  cp "$here/python.txt" "$folder/python.txt"
}

install_btcd &
btcd=$!
install_python
status=$?
wait "$btcd" && exit "$status"
exit 1
