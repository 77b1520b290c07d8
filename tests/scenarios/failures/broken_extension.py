"""An extension that fails when it is imported."""

raise RuntimeError("boom(extension at import)")
