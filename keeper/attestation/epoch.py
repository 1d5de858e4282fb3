"""Epochs: block ranges of fixed length, each judged by the state at the end of its first block."""

from __future__ import annotations

from keeper.errors import InputError


def epoch_of(block: int, epoch_blocks: int) -> int:
    """Return the epoch that `block` belongs to.

    Raises:
        InputError: negative block, or epoch length below one block.
    """
    _check(block, epoch_blocks)
    return block // epoch_blocks


def ref_block(epoch: int, epoch_blocks: int) -> int:
    """Return the block whose end state epoch `epoch` attests: `epoch * epoch_blocks`.

    Raises:
        InputError: negative epoch, or epoch length below one block.
    """
    _check(epoch, epoch_blocks)
    return epoch * epoch_blocks


def latest_closed_epoch(head: int, epoch_blocks: int) -> int:
    """Return the newest epoch whose reference block is mined, given the newest trusted block.

    A keeper that waits for confirmations passes its head less the depth. 0 means that there is
    nothing to attest yet: on-chain, a leaf of epoch 0 stands for "no leaf".
    """
    return epoch_of(head, epoch_blocks)


def _check(value: int, epoch_blocks: int) -> None:
    if value < 0:
        raise InputError(f"block and epoch numbers are not negative, got {value}")
    if epoch_blocks < 1:
        raise InputError(f"an epoch has at least one block, got {epoch_blocks}")
