"""Split a connected part of a district into connected units of about equal elders."""

from siting.partition.sets import NO_LIMIT, Aim, Part
from siting.partition.splitting import METHODS, Method, Split, make_part, split

__all__ = ["METHODS", "NO_LIMIT", "Aim", "Method", "Part", "Split", "make_part", "split"]
