#!/usr/bin/env bash
# Run every test. What failed runs once more, by itself in a new process: a test of real nodes can lose a race on a
# busy machine, and a defect fails twice. A test that needed the second run is named as unstable, not passed over.
set -uo pipefail
cd "$(dirname "$0")/.."

python -m pytest "$@"
status=$?
[ "$status" -eq 1 ] || exit "$status"

echo
echo 'UNSTABLE OR BROKEN: the tests listed above failed; they run once more'
python -m pytest --last-failed --last-failed-no-failures none -rap "$@"
