"""Print which part of the mutants of each module a test noticed, and which are left: read from `mutmut results --all true`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

NOTICED = ("killed", "timeout", "suspicious", "segfault", "caught by type check")
UNNOTICED = ("survived", "no tests")


def print_scores(lines: Iterable[str]) -> None:
    left: list[str] = []
    modules: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        name, _, status = line.strip().rpartition(": ")
        if name and status != "not checked":
            modules[name.rpartition(".")[0]][status] += 1
            left += [name] if status in UNNOTICED else []
    total: Counter[str] = Counter()
    for module, found in sorted(modules.items()):
        print(f"{score(found)}  {module}")
        total += found
    print(f"{score(total)}  all")
    print(*(f"left: {name}" for name in sorted(left)), sep="\n")


def score(found: Counter[str]) -> str:
    noticed = sum(found[status] for status in NOTICED)
    tried = noticed + sum(found[status] for status in UNNOTICED)
    return f"{noticed:5} of {tried:5} {100 * noticed / max(tried, 1):5.0f} %"
