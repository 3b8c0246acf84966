import baileykeep


def test_has_a_version() -> None:
    assert baileykeep.__version__
