"""What users and moderators do in the local Discord, and what a test sees of the bot's answers."""
