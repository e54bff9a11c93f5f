# shellcheck shell=bash
# Shared by the project's shell commands; source it from the root of the checkout.
# It sets paths and small functions and does nothing by itself.

# What the distribution's packages install is what was tested; other copies earlier in PATH are passed over.
case :$PATH: in
  :/usr/bin:*) ;;
  *) PATH=/usr/bin:$PATH ;;
esac
export PATH

SOONER_ROOT=$(pwd -P)
export SOONER_PYTHON=$SOONER_ROOT/build/python  # the project's private Python environment

# say MESSAGE…: talk for a person, on stderr.
say() { printf '%s\n' "$*" >&2; }

# die MESSAGE…: says it and ends with exit code 1.
die() {
  say "$*"
  exit 1
}

# cores: how many compilers fit side by side, by processors and by memory (2 GB each; LibTorch's headers need that).
cores() {
  local processors memory
  processors=$(nproc 2>/dev/null || echo 1)
  memory=$(awk '/MemAvailable/ { print int($2 / 2000000) }' /proc/meminfo 2>/dev/null || echo "$processors")
  [ "${memory:-0}" -ge 1 ] || memory=1
  if [ "$memory" -lt "$processors" ]; then echo "$memory"; else echo "$processors"; fi
}

# fixed_addresses COMMAND…: runs it without address randomisation where that is allowed. ThreadSanitizer of GCC 12 cannot
# map its memory when the kernel randomises with more bits than it knows.
fixed_addresses() {
  if setarch "$(uname -m)" --addr-no-randomize true 2>/dev/null; then
    setarch "$(uname -m)" --addr-no-randomize "$@"
  else
    "$@"
  fi
}
