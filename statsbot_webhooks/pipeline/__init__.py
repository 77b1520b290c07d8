"""The pipeline from `submit` to the outbox: the intake's thread, routes, mutes and admins' choices. It sends nothing."""
