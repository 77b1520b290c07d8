"""How Discord says what is wrong with a request: its refusals, and the form that error 50035 comes in."""

from __future__ import annotations

import math
import re
from typing import Any, Final, cast

JSON = dict[str, Any]
_URL: Final = re.compile(r"[a-z]+://[^\s/]\S*\Z", re.IGNORECASE)


def part(value: Any) -> JSON:
    """Return an object within Discord's JSON, empty when it is absent or null."""
    return cast(JSON, value or {})


def parts(value: Any) -> list[JSON]:
    """Return a list of objects within Discord's JSON, empty when it is absent or null."""
    return cast(list[JSON], value or [])


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of the server
    """An answer with a status of 400 and above."""

    def __init__(self, status: int, code: int, message: str, errors: JSON | None = None, more: JSON | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message, self.errors, self._more = status, code, message, errors, more or {}

    def body(self) -> JSON:
        """Return the answer's JSON."""
        body: JSON = {"message": self.message, "code": self.code, **self._more}
        return {**body, "errors": self.errors} if self.errors else body


def invalid_body(text: str) -> Refusal:
    """Return the refusal of a body as a whole."""
    return Refusal(400, 50035, "Invalid Form Body", {"body": {"_errors": [{"code": "MODEL_TYPE_CONVERT", "message": text}]}})


class Form:
    """Collects what is wrong with a body, in the shape of Discord's error 50035."""

    def __init__(self) -> None:
        self.errors: JSON = {}

    def add(self, path: str, code: str, message: str) -> None:
        place = self.errors
        for part in path.split("."):
            place = place.setdefault(part, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def text(self, path: str, value: object, most: int, *, required: bool = False) -> int:
        """Check a text and return its length in UTF-16 units, the strictest way of counting."""
        if value is None and not required:
            return 0
        if value is not None and not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{type(value).__name__}" as string.')
            return 0
        if required and (value is None or not value.strip()):
            self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
        length = len((value or "").encode("utf-16-le", "surrogatepass")) // 2
        if length > most:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
        return length

    def url(self, path: str, value: object, schemes: tuple[str, ...] = ("http", "https")) -> None:
        if value is None:
            return
        if not isinstance(value, str) or len(value) > 2048 or not _URL.match(value):
            self.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        elif value.split(":")[0].lower() not in schemes:
            names = ", ".join(f"'{scheme}'" for scheme in schemes)
            self.add(path, "URL_TYPE_INVALID_SCHEME", f"Scheme must be one of ({names}).")

    def table(self, path: str, value: object) -> JSON:
        """Return a dictionary, empty when there is none."""
        if value is None:
            return {}
        if isinstance(value, dict):
            return cast(JSON, value)
        self.add(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return {}

    def items(self, path: str, value: object, most: int) -> list[Any]:
        """Return a list, empty when there is none."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        found = cast(list[Any], value)
        if len(found) > most:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between 0 and {most} in length.")
        return found

    def whole(self, path: str, value: object, most: int) -> None:
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            self.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < 0:
            self.add(path, "NUMBER_TYPE_MIN", "int value should be greater than or equal to 0.")
        elif value > most:
            self.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")

    def finish(self) -> None:
        if self.errors:
            raise Refusal(400, 50035, "Invalid Form Body", self.errors)


def is_finite(value: object) -> bool:
    """Say whether JSON holds no NaN and no infinity, at any depth; Python's parser takes them, Discord does not."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(is_finite, cast(dict[str, object], value).values()))
    return not isinstance(value, list) or all(map(is_finite, cast(list[object], value)))
