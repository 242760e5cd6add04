"""Layers (being written)."""

def write_geopackage(frames, path):
    """Write nothing yet."""
