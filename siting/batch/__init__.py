"""Many places at once: on this machine or on a cluster; one budget shared over them."""

from siting.batch.driver import Batch, batch
from siting.batch.province import Province, share_budget
from siting.batch.summary import Entry

__all__ = ["Batch", "Entry", "Province", "batch", "share_budget"]
