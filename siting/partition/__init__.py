"""Split a connected part of a district into connected units of about equal elders."""

from siting.partition.sets import Aim, Part
from siting.partition.splitting import METHODS, Method, Split, make_part, split

__all__ = ["METHODS", "Aim", "Method", "Part", "Split", "make_part", "split"]
