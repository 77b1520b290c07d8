"""The state of a storage, in memory, for tests of what is kept in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Store:
    """What `IssueRegister` and `Deploys` need of a storage; `values` is what is kept."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def read_state(self, prefix: str) -> dict[str, Any]:
        return {key: value for key, value in self.values.items() if key.startswith(prefix)}

    def update_state(self, changes: Any, *, is_news: bool = True) -> dict[str, Any]:
        values = {key: change(self.values.get(key)) for key, change in changes.items()}
        self.write_state(values)
        return values

    def write_state(self, values: Mapping[str, Any]) -> None:
        self.values = {key: value for key, value in {**self.values, **values}.items() if value is not None}
