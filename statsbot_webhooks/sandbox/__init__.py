"""A local Discord for trying and testing: REST and gateway for an unmodified bot, as strict as the real one."""

from __future__ import annotations

from .redirect import redirect
from .rest.api import Request
from .sandbox import Sandbox
from .users.results import InteractionResult
from .users.views import Attachment, Message

__all__ = ["Attachment", "InteractionResult", "Message", "Request", "Sandbox", "redirect"]
