from accounts.live import sources
from accounts.live.sources import Sources


def test_messages_in_order_follow_and_a_lost_one_is_noticed() -> None:
    known = Sources()
    assert known.follows("a", 7)
    assert known.follows("a", 8)
    assert known.follows("b", 1)
    assert not known.follows("a", 10)
    assert known.follows("a", 11)


def test_a_source_heard_all_the_time_is_not_forgotten_for_new_ones() -> None:
    known = Sources()
    for n in range(sources.REMEMBERED * 2):
        assert known.follows("old", n)
        assert known.follows(f"new-{n}", 1)
    assert not known.follows("old", sources.REMEMBERED * 2 + 1)
