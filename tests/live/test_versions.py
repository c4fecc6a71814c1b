from accounts.live.versions import OVERTAKES_S, Versions


def test_a_row_read_earlier_never_replaces_one_read_later() -> None:
    versions = Versions(0.0)
    assert versions.accept(1, 100.2)
    assert not versions.accept(1, 100.1)
    assert versions.accept(2, 100.1)
    assert versions.accept(1, 100.2)


def test_a_clock_that_was_set_back_does_not_silence_a_row() -> None:
    versions = Versions(0.0)
    assert versions.accept(1, 5000.0)
    assert versions.accept(1, 5000.0 - OVERTAKES_S)


def test_a_change_that_never_arrived_is_missing_at_the_second_look() -> None:
    versions = Versions(50.0)
    assert versions.missing({1: 100.0}) == set()
    assert versions.missing({}) == {1}
    assert versions.missing({}) == set()


def test_a_change_that_arrived_in_between_is_not_missing() -> None:
    versions = Versions(50.0)
    versions.missing({1: 100.0})
    versions.accept(1, 100.1)
    assert versions.missing({}) == set()


def test_a_row_that_changes_at_every_look_and_never_arrives_is_missing() -> None:
    versions = Versions(50.0)
    versions.missing({1: 100.0})
    assert versions.missing({1: 102.0}) == {1}


def test_what_changed_before_the_start_is_not_missing() -> None:
    versions = Versions(50.0)
    versions.missing({1: 49.0})
    assert versions.missing({}) == set()
