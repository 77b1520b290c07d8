"""What waits is kept in order of its ids, however much of it was taken before."""

from __future__ import annotations

from statsbot_webhooks.storage.ready_queue import DestinationQueue, IdQueue, LaneName, QueuePlace, first_fitting


def place(number: int, size: int = 1) -> QueuePlace:
    return QueuePlace(number, LaneName.CALM, 20, float(-number), size * number)


def test_a_queue_of_which_most_was_taken_is_as_one_that_was_never_longer() -> None:
    queue, fresh = IdQueue(), IdQueue()
    queue.add([place(number) for number in range(2, 6002, 2)])
    assert len(queue) == 3000
    for count in (700, 700, 1300):
        queue.drop_first(count)
    fresh.add([place(number) for number in range(5402, 6002, 2)])
    for each in (queue, fresh):
        # Into the middle, before the first, behind the last, and what was taken comes back.
        for numbers in ([5601, 5605], [5399, 5401], [9001], [5397, 9003]):
            each.add([place(number) for number in numbers])
        assert (len(each), each.first_time) == (307, -5397.0)
        assert each.places(LaneName.CALM, 20, 4) == [place(number) for number in (5397, 5399, 5401, 5402)]
        assert each.find(LaneName.CALM, 20, 5601) == place(5601)
        assert [each.find(LaneName.CALM, 20, number) for number in (2, 5400, 5603, 9004)] == [None] * 4
        gone = (5601, 5605, 5397, 5399, 5401, 9001, 9003)
        assert [each.remove(number) for number in (*gone, *gone, 4)] == [True] * 7 + [False] * 8
        assert [found.id for found in each.older_than(-5990.0, LaneName.CALM, 20, 99)] == [5992, 5994, 5996, 5998, 6000]
        assert [found.id for found in each.older_than(-5990.0, LaneName.CALM, 20, 2)] == [5992, 5994]
        assert each.older_than(-6000.0, LaneName.CALM, 20, 2) == []
        assert each.places(LaneName.CALM, 20, 999) == [place(number) for number in range(5402, 6002, 2)]
        each.drop_first(300)
        assert (len(each), each.places(LaneName.CALM, 20, 9), each.older_than(0.0, LaneName.CALM, 20, 9)) == (0, [], [])
        each.add([place(1)])
        assert (len(each), each.first_time) == (1, -1.0)


def test_what_was_taken_is_given_free() -> None:
    queue = IdQueue()
    queue.add([place(number) for number in range(1, 5001)])
    queue.drop_first(2000)
    assert len(queue._ids) == 5000
    queue.drop_first(600)
    assert (len(queue._ids), len(queue)) == (2400, 2400)


def test_levels_and_lanes_are_apart() -> None:
    queue = DestinationQueue()
    lanes = ((1, LaneName.CALM, 20), (2, LaneName.CALM, 30), (3, LaneName.URGENT, 40), (4, LaneName.RECOVERED, 20))
    queue.add(QueuePlace(number, lane, rank, 10.0 - number, 1) for number, lane, rank in lanes)
    assert (sorted(queue.ranks()), queue.ready_of_rank(20), queue.ready_of_rank(50)) == ([20, 30, 40], 2, 0)
    first = queue.first_of_rank(20)
    assert (first and first.id, queue.first_of_rank(50), queue.oldest()) == (1, None, 6.0)
    assert [queue.has(number) for number in (1, 4, 5)] == [True, True, False]
    assert queue.remove(QueuePlace(2, LaneName.CALM, 30, 8.0, 1))
    assert not queue.remove(QueuePlace(2, LaneName.CALM, 30, 8.0, 1))
    assert not queue.remove(QueuePlace(1, LaneName.CALM, 99, 8.0, 1))
    assert [found.id for found in queue.older_than(9.5, 9, list(LaneName))] == [4, 3, 1]
    assert [found.id for found in queue.older_than(9.5, 2, list(LaneName))] == [4, 3]
    assert [found.id for found in queue.older_than(9.5, 9, [LaneName.CALM])] == [1]
    assert queue.take_id(9) is None
    assert queue.take_id(4) == QueuePlace(4, LaneName.RECOVERED, 20, 6.0, 1)
    assert (DestinationQueue().oldest(), DestinationQueue().next_lane()) == (None, None)


def test_the_first_that_fit_are_at_least_one() -> None:
    places = [place(number, 10) for number in (1, 2, 3)]
    assert [len(first_fitting(places, most)) for most in (0, 10, 29, 30, 59, 60, 99)] == [1, 1, 1, 2, 2, 3, 3]
    assert list(first_fitting([], 10)) == []
