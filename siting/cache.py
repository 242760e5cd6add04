"""What one run has worked out kept for the next: arrays in files that are named by their key."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import time
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import platformdirs
import pyogrio
import pyproj
import shapely
from pyproj.datadir import get_data_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

Arrays: TypeAlias = "Mapping[str, np.ndarray]"
Event: TypeAlias = 'tuple[Literal["read", "kept", "broken", "not_kept", "too_large"], str]'

__all__ = ["SWITCH", "Cache", "content_key", "user_cache"]

SWITCH = "SITING_CACHE"
"""Environment variable: a folder, or ``off``; not set: the user's cache folder."""
MOST_GB = 4.0
OLD_PART_S = 86_400.0
"""A file that a run has left half written is removed after so long, seconds."""
LIBRARIES = (
    "siting", "geopandas", "numba", "numpy", "osmnx", "pandas", "pyogrio", "pyproj", "scipy",
    "shapely",
)  # fmt: skip
SOURCES = (
    "cache.py", "kept.py", "kernels.py", "network.py", "pairs.py", "reach.py", "reach_kernels.py",
    "inputs/coordinates.py", "inputs/foreign.py", "inputs/layers.py", "inputs/roads.py",
    "inputs/shapefiles.py", "tables.py",
)  # fmt: skip
"""Files of this package whose text is part of every key."""
BROKEN = (
    OSError, ValueError, KeyError, EOFError, TypeError, RuntimeError, NotImplementedError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What a damaged file may raise when it is read."""


@dataclass
class Cache:
    """
    A folder of arrays that were worked out before.

    Each entry is one ``.npz`` file, written aside and put in its place at once, so that processes
    may share the folder. Its parts carry checksums; a file that is cut, changed or of another key
    counts as not there, and is listed as broken. The file read longest ago goes first when the
    folder grows too large.

    Attributes
    ----------
    folder
        Where the files lie; made when something is kept. None: nothing is read or kept.
    most_gb
        Most that the folder holds, GB of 1e9 bytes; an entry larger than that is not kept.
    events
        What was done in order: read, kept, broken, not kept or too large, and the file or reason.
    """

    folder: Path | None
    most_gb: float = MOST_GB
    events: list[Event] = field(default_factory=list)

    def load(self, kind: str, key: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return arrays and facts of an entry, or None where there is none that can be used."""
        if self.folder is None:
            return None
        path = self.folder / f"{kind}-{key}.npz"
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            with file, np.load(file, allow_pickle=False) as entry:
                arrays = {name: entry[name] for name in entry.files}
            facts = json.loads(arrays.pop("facts").tobytes().decode())
            if facts.pop("key") != f"{kind}-{key}":
                raise ValueError("key")
        except BROKEN:
            self.events.append(("broken", path.name))
            return None
        with suppress(OSError):
            os.utime(path)
        self.events.append(("read", path.name))
        return arrays, facts

    def save(self, kind: str, key: str, arrays: Arrays, facts: dict[str, Any]) -> bool:
        """Keep an entry; return whether it was kept."""
        if self.folder is None:
            return False
        name = f"{kind}-{key}"
        said = json.dumps(facts | {"key": name}, ensure_ascii=False).encode()
        size = sum(each.nbytes for each in arrays.values()) + len(said)
        if size > self.most_gb * 1e9:
            self.events.append(("too_large", f"{size / 1e9:.1f}"))
            return False
        part = self.folder / f"{name}.{os.getpid()}-{secrets.token_hex(4)}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                np.savez(file, facts=np.frombuffer(said, np.uint8), **arrays)  # type: ignore[arg-type]
            part.replace(self.folder / f"{name}.npz")
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            self.events.append(("not_kept", error.strerror or type(error).__name__))
            return False
        self.events.append(("kept", f"{name}.npz"))
        self._trim(f"{name}.npz")
        return True

    def _trim(self, newest: str) -> None:
        """Remove the entries read longest ago until the rest is small enough."""
        found = []
        for path in [] if self.folder is None else self.folder.iterdir():
            with suppress(OSError):
                about = path.stat()
                if path.suffix == ".npz":
                    found.append((path.name != newest, -about.st_mtime, about.st_size, path))
                elif path.suffix == ".part" and time.time() - about.st_mtime > OLD_PART_S:
                    path.unlink()
        held = 0
        for _, _, size, path in sorted(found):
            held += size
            if held > self.most_gb * 1e9:
                with suppress(OSError):
                    path.unlink()


def user_cache() -> Cache:
    """Return the cache that the environment asks for: see ``SWITCH``."""
    asked = os.environ.get(SWITCH, "").strip()
    if asked.lower() == "off":
        return Cache(None)
    if asked:
        return Cache(Path(asked).expanduser())
    try:
        return Cache(platformdirs.user_cache_path("siting", appauthor=False))
    except RuntimeError:  # a user without a home
        return Cache(None)


def content_key(*parts: Any) -> str:
    """Return a key of arrays, bytes and settings, and of the code and libraries that use them."""
    digest = hashlib.sha256(_code().encode())
    for part in parts:
        if isinstance(part, np.ndarray):
            whole = np.ascontiguousarray(part)
            digest.update(f"\0{whole.dtype.str}{whole.shape}\0".encode())
            digest.update(whole.view(np.uint8).data if whole.size else b"")
        else:
            digest.update(f"\0{part!r}\0".encode())
    return digest.hexdigest()[:40]


@cache
def _code() -> str:
    """Return a key of the code behind what is kept: our texts, the libraries, their data."""
    digest = hashlib.sha256(platform.machine().encode())
    here = Path(__file__).parent
    for name in SOURCES:
        with suppress(OSError):
            digest.update((here / name).read_bytes())
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            digest.update(f"{name} {version(name)}\n".encode())
    behind = (pyogrio.__gdal_version__, pyproj.proj_version_str, shapely.geos_version_string)
    digest.update(repr(behind).encode())
    for folder in get_data_dir().split(os.pathsep):
        with suppress(OSError):
            digest.update(repr(sorted(each.name for each in Path(folder).iterdir())).encode())
    return digest.hexdigest()
