"""An extension that fails in its setup."""


async def setup(_bot: object) -> None:
    raise RuntimeError("boom(extension in setup)")
