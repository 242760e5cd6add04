"""Check page (being written)."""

def write_check(check, folder, **k):
    """Write nothing yet."""
