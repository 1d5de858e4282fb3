"""`python -m keeper`, the same as the `keeper` command."""

import sys

from keeper.cli.app import main

sys.exit(main())
