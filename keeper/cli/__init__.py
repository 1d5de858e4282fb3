"""The command line: one file per verb, and the place where everything is put together."""

import os
from importlib.util import find_spec

# eth-hash reads this on its first import, and several modules hash at import: it must come first.
# The C implementation is seven times faster than what it would choose by itself.
if find_spec("sha3") is not None:
    os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
