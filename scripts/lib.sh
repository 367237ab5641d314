# For the other scripts: sourced, not run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# die says in one line what is wrong and what to do.
die() {
  echo "damso: $*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Steps that step and quiet have run, for summary.
passed=0
failed=()

# step runs a command under a heading and remembers how it went.
step() {
  local name=$1 start=$SECONDS
  shift
  echo "── $name"
  if "$@"; then
    passed=$((passed + 1))
    echo "   $name: ok, $((SECONDS - start)) s"
  else
    failed+=("$name")
    echo "   $name: FAILED, $((SECONDS - start)) s"
  fi
}

# summary ends the script: with 1 if a step failed.
summary() {
  echo
  for name in "${failed[@]+"${failed[@]}"}"; do echo "FAILED: $name"; done
  echo "$SECONDS s in all"
  echo "steps: $passed passed, ${#failed[@]} failed"
  [ ${#failed[@]} -eq 0 ]
}
