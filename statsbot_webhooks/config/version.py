"""Which version of the bot runs: said by a setting, by the host, or by the checkout that it was started from.

Found once in a process: what is pulled into the folder afterwards is not what runs. How versions compare is in `issues/versions`.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .checkout import program_checkout

# The version of this package; setup.cfg reads it here.
PACKAGE_VERSION: Final = "0.1.0"
LENGTH: Final = 24
# Of Heroku, Railway, Render, Fly.io, Koyeb, Northflank, Vercel, Azure, Google Cloud, Coolify, CodeBuild and Jenkins, and what
# images are often built with. The first that is set is taken.
_VARIABLES: Final = (
    "HEROKU_RELEASE_VERSION",
    "HEROKU_SLUG_COMMIT",
    "HEROKU_BUILD_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "RENDER_GIT_COMMIT",
    "FLY_IMAGE_REF",
    "KOYEB_GIT_SHA",
    "NF_DEPLOYMENT_SHA",
    "VERCEL_GIT_COMMIT_SHA",
    "WEBSITE_DEPLOYMENT_ID",
    "K_REVISION",
    "SOURCE_COMMIT",
    "SOURCE_VERSION",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "CI_COMMIT_TAG",
    "CI_COMMIT_SHA",
    "GITHUB_SHA",
    "GIT_COMMIT",
    "GIT_COMMIT_SHA",
    "GIT_SHA",
    "COMMIT_SHA",
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z", re.IGNORECASE)
_SHORT: Final = 7
_NUMBERS: Final = re.compile(r"v?\d+(?:\.\d+)*\Z")


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it is shown, and the commit that it was made from, as far as they are known."""

    name: str = ""
    commit: str = ""


def find_version(environ: Mapping[str, str] | None = None) -> Version:
    """Return the version of the program, from the variables of its host or from its checkout; it may be unknown."""
    values = os.environ if environ is None else environ
    for variable in _VARIABLES:
        text = values.get(variable, "").strip()
        if variable == "FLY_IMAGE_REF":
            # registry.fly.io/app:deployment-01H9RK9EYO9PGNBYAKGXSHV0PH@sha256:...
            text = text.partition("@")[0].rpartition(":")[2]
        if text.isprintable() and text:
            commit = text.lower() if _COMMIT.match(text) else ""
            return Version(_shorten(text), commit or checkout_version().commit)
    return checkout_version()


@functools.cache
def checkout_version() -> Version:
    """Return the version that the checkout had when this was first asked: the tag of its commit, or the commit."""
    checkout = program_checkout()
    commit = checkout.commit() if checkout is not None else ""
    if checkout is None or not commit:
        return Version()
    tags = checkout.tags(commit)
    numbered = [tag for tag in tags if _NUMBERS.match(tag)]
    name = max(numbered, key=lambda tag: [int(part) for part in tag.lstrip("v").split(".")]) if numbered else commit
    return Version(_shorten(name), commit)


def _shorten(text: str) -> str:
    # A time-ordered id, such as Fly.io's, differs at its end.
    return text[:_SHORT].lower() if _COMMIT.match(text) else text if len(text) <= LENGTH else text[-LENGTH:]
