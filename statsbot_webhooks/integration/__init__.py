"""StatsBot's own modules: what goes through its tree log, performance monitor and member events is shipped too."""

from __future__ import annotations

from .statsbot import integrate_with_member_events, integrate_with_performance_monitor, integrate_with_tree_log

__all__ = ["integrate_with_member_events", "integrate_with_performance_monitor", "integrate_with_tree_log"]
