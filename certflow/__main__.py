"""`python -m certflow` is the command `certflow`."""

from __future__ import annotations

import sys

from certflow.cli import main

sys.exit(main())
