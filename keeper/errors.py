"""Every error the keeper raises on purpose, as one small tree.

```
KeeperError                1   base; anything unforeseen is a bug and keeps its own traceback
├── ConfigError           78   a setting is missing, unknown or contradictory
│   ├── WrongChain        80   the node serves another chain than the configured one
│   └── NotDeployed       81   no code, or other code, at a configured address
├── ChainUnavailable      69   no node answers; retryable
├── SignerError           77   a key refused to sign, or the signing log cannot be trusted
│   ├── KeystoreUnusable  66   a keystore or password file is missing, unreadable or malformed
│   └── WrongPassword     79   the password does not unlock the keystore
├── SigningRefused        73   the digest contradicts, or is older than, what was signed before
├── MarketDataError       74   a global input (a spot price) is zero or stale
├── InputError            65   a malformed body, id, model or number
├── NotConverged          70   an optimiser or an iteration stopped before it had an answer
├── VerificationMismatch   3   a replay found other bits than those attested
├── CannotRestore          4   no trades restore an account
├── Reverted              76   a transaction or call reverted
└── QuorumNotReached      75   fewer than the threshold of keepers signed
```

The number is the exit code of the process, one for each kind (BSD `sysexits.h` where one fits). A
message says which field, which value and what to do. `retryable` says that the same call may
succeed if simply made again.
"""

from __future__ import annotations

from typing import ClassVar


class KeeperError(Exception):
    """Base of the tree: an error the operator can act on."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False


class ConfigError(KeeperError):
    """A setting is missing, unknown or contradictory."""

    exit_code = 78


class WrongChain(ConfigError):
    """The node serves another chain than the configured one."""

    exit_code = 80


class NotDeployed(ConfigError):
    """No code, or other code than expected, at a configured address."""

    exit_code = 81


class ChainUnavailable(KeeperError):
    """No configured node answers."""

    exit_code = 69
    retryable = True


class SignerError(KeeperError):
    """A key refused to sign, or the signing log cannot be trusted."""

    exit_code = 77


class KeystoreUnusable(SignerError):
    """A keystore or password file is missing, unreadable, malformed or readable by others."""

    exit_code = 66


class WrongPassword(SignerError):
    """The password does not unlock the keystore."""

    exit_code = 79


class SigningRefused(KeeperError):
    """The digest contradicts what was signed before, or its epoch is older.

    Not a SignerError: a lagging or lying node provokes it, and liquidation has to go on.
    """

    exit_code = 73


class MarketDataError(KeeperError):
    """A global input is zero or stale, so no account can be valued."""

    exit_code = 74


class InputError(KeeperError):
    """A malformed body, id, model or number."""

    exit_code = 65


class NotConverged(KeeperError):
    """An optimiser or an iteration stopped before it had an answer; there is no estimate."""

    exit_code = 70


class VerificationMismatch(KeeperError):
    """A replay found other bits than those attested."""

    exit_code = 3


class CannotRestore(KeeperError):
    """No allowed trades restore an account; `lacking_usd6` more cash would, with the best found."""

    exit_code = 4

    def __init__(self, message: str, lacking_usd6: int) -> None:
        super().__init__(message, lacking_usd6)  # both, so that the exception pickles
        self.lacking_usd6 = lacking_usd6

    def __str__(self) -> str:
        return str(self.args[0])


class Reverted(KeeperError):
    """A transaction or call reverted with the custom error `name(*arguments)`."""

    exit_code = 76

    def __init__(self, name: str, arguments: tuple[object, ...] = ()) -> None:
        super().__init__(name, arguments)  # both, so that the exception pickles
        self.name = name
        self.arguments = arguments

    def __str__(self) -> str:
        return f"reverted: {self.name}({', '.join(map(str, self.arguments))})"


class QuorumNotReached(KeeperError):
    """Fewer than the threshold of keepers signed the same digest in time."""

    exit_code = 75
