"""Bugs in the packaged standards and in how standards are read."""

from __future__ import annotations

from planted.bug import Bug

BUGS = (
    Bug(
        "the base wins over what a standard gives anew", "siting/standards/standard_file.py",
        "merged = values | own if",
        "merged = own | values if",
        "tests/test_own_standard.py",
    ),
    Bug(
        "as many dementia beds as nursing beds are refused", "siting/standards/consistency.py",
        "if other is not None and _asked(one) > _asked(other):",
        "if other is not None and _asked(one) >= _asked(other):",
        "tests/test_own_standard.py",
    ),
    Bug(
        "Hangzhou asks for 12 dementia beds per 10,000 in 2022",
        "siting/standards/hangzhou-2021.yaml",
        "2022: {dementia_beds_per_10000: 10.0}",
        "2022: {dementia_beds_per_10000: 12.0}",
        "tests/test_packaged_hangzhou_wendeng.py",
    ),
    Bug(
        "Hangzhou's public homes leave out those under contract",
        "siting/standards/hangzhou-2021.yaml",
        "2025: {part: nursing_beds, of: beds, min_share: 0.68, owners: [public, "
        "public_private]}",
        "2025: {part: nursing_beds, of: beds, min_share: 0.68, owners: [public]}",
        "tests/test_packaged_hangzhou_wendeng.py",
    ),
    Bug(
        "Wendeng asks for 5 % of the towns in 2021", "siting/standards/wendeng-2021.yaml",
        "2021: {what: street_centre, min_share: 0.50, per: town}",
        "2021: {what: street_centre, min_share: 0.05, per: town}",
        "tests/test_packaged_hangzhou_wendeng.py",
    ),
    Bug(
        "Pingyang pays up to 70 for equipment", "siting/standards/pingyang-2021.yaml",
        "share: 0.7, cap_wan_yuan: 50,",
        "share: 0.7, cap_wan_yuan: 70,",
        "tests/test_packaged_pingyang_zhoushan.py",
    ),
    Bug(
        "Zhoushan counts dementia beds over the whole city", "siting/standards/zhoushan-2021.yaml",
        "min_share: 0.05, per: district",
        "min_share: 0.05, per: all",
        "tests/test_packaged_pingyang_zhoushan.py",
    ),
)  # fmt: skip
