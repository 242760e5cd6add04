"""Standards: published rules as data, rule kinds as code."""

from siting.standards.describe import DESCRIBE, EXAMPLES, name_of
from siting.standards.kinds import BED_KINDS, FUNCTIONS, KINDS, STAFF
from siting.standards.standard import Rule, Standard, read_standard
from siting.standards.standard_file import Joined, packaged_standards

__all__ = [
    "BED_KINDS",
    "DESCRIBE",
    "EXAMPLES",
    "FUNCTIONS",
    "KINDS",
    "STAFF",
    "Joined",
    "Rule",
    "Standard",
    "name_of",
    "packaged_standards",
    "read_standard",
]
