"""What setup.cfg cannot say: the addresses, which all come from one line, and the README as a package index renders it."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

# The one place of the repository's address, such as https://github.com/owner/name. While it is empty, no address is published.
REPOSITORY = ""
_LINK = re.compile(r"(!?)\[((?:[^\]\[]|\[[^\]]*\])*)\]\((?![a-z+]+:|#)([^)\s]+)\)")


def project_urls(repository: str) -> dict[str, str]:
    """Return the links that a package index shows beside the text."""
    if not repository:
        return {}
    return {
        "Source": repository,
        "Documentation": f"{repository}/tree/HEAD/docs",
        "Changelog": f"{repository}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def with_absolute_links(text: str, repository: str) -> str:
    """Return Markdown in which no link is relative: pictures as they are, all else as the repository shows it."""
    if not repository:
        return text
    return _LINK.sub(lambda link: f"{link[1]}[{link[2]}]({repository}/{'raw' if link[1] else 'blob'}/HEAD/{link[3]})", text)


if __name__ == "__main__":
    readme = Path(__file__).with_name("README.md").read_text("utf-8")
    setup(
        url=REPOSITORY or None,
        project_urls=project_urls(REPOSITORY),
        # The field that replaces licence classifiers (PEP 639), for which setup.cfg has no word.
        license_expression="MIT",
        long_description=with_absolute_links(readme, REPOSITORY),
        long_description_content_type="text/markdown",
    )
