#!/usr/bin/env bash
# Any other CI, or a terminal: holds the code of a score network against exact truth. The exit code is that of pytest.
# junit.xml is for readers of JUnit (Jenkins: `junit 'junit.xml'`), certflow-report/ for people and programs.
set -euo pipefail

status=0
python -m pytest -n 2 --junitxml=junit.xml --certflow-report=certflow-report "$@" || status=$?
cat certflow-report/summary.md
exit "$status"
