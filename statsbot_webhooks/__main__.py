"""`python -m statsbot_webhooks`."""

from .cli import main

raise SystemExit(main())
