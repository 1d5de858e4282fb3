import pytest

from keeper.attestation.epoch import epoch_of, latest_closed_epoch, ref_block
from keeper.errors import InputError


@pytest.mark.parametrize(("block", "epoch"), [(0, 0), (31, 0), (32, 1), (63, 1), (64, 2)])
def test_epoch_of__blocks_around_the_boundary__changes_at_the_reference_block(block, epoch):
    assert epoch_of(block, 32) == epoch


def test_ref_block__of_an_epoch__is_its_first_block():
    assert ref_block(7, 32) == 224
    assert epoch_of(ref_block(7, 32), 32) == 7
    assert epoch_of(ref_block(7, 32) - 1, 32) == 6


def test_latest_closed_epoch__reference_block_mined__is_closed():
    assert latest_closed_epoch(224, 32) == 7
    assert latest_closed_epoch(223, 32) == 6
    assert latest_closed_epoch(31, 32) == 0, "nothing to attest yet"


@pytest.mark.parametrize(("value", "length"), [(-1, 32), (1, 0), (1, -32)])
@pytest.mark.parametrize("function", [epoch_of, ref_block, latest_closed_epoch])
def test_epochs__impossible_numbers__are_refused(function, value, length):
    with pytest.raises(InputError):
        function(value, length)
