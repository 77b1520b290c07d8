"""From submit to the outbox: the intake's thread, routes, mutes and what admins chose."""
