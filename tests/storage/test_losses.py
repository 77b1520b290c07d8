"""What is told of losses: once, with counts, when it has stopped."""

from __future__ import annotations

from statsbot_webhooks.events.accounting import LossReason
from statsbot_webhooks.events.event import LogLevel
from statsbot_webhooks.storage import Loss
from statsbot_webhooks.storage.losses import LossReport


def test_a_loss_is_told_once_when_it_has_stopped() -> None:
    report = LossReport()
    assert report.take("a") == ""
    report.add(Loss("a", LossReason.STORAGE_FULL, 1000, LogLevel.INFO))
    report.add(Loss("b", LossReason.UNREADABLE, 1))
    assert report.take("a") == ""
    report.add(Loss("a", LossReason.STORAGE_FULL, 2, LogLevel.ERROR))
    report.add(Loss("a", LossReason.STORAGE_FULL, 500, LogLevel.INFO))
    report.add(Loss("a", LossReason.UNREADABLE, 3))
    assert report.take("a") == ""
    assert report.take("a") == (
        "1,505 events for this channel were lost (storage full: 1,500 INFO, 2 ERROR; stored row cannot be read: 3 unknown level)"
    )
    assert [report.take("a") for _ in range(3)] == ["", "", ""]
    told = "1 event for this channel was lost (stored row cannot be read: 1 unknown level)"
    assert [report.take("b") for _ in range(3)] == ["", told, ""]
