"""What rules ask of homes, parcels and communities beyond beds; all of it is invented."""

from __future__ import annotations

from sample_patches import words

FUNCTION_COLUMNS = ["养老服务功能", "可增设功能"]
COUNTS = words(
    "入住人数 持证护理员 高级护理员 护士 社会工作者 康复人员 星级 照料中心星级 家庭照护床位"
)
MARKS = words(
    "康复室 内设医疗机构 医养结合 独立空间 独立出入口 社区卫生机构 安全达标 护理型为主 "
    "认知症示范 智慧养老院 智慧示范 镇级联合体 县级联合体 示范型联合体 培训基地 "
    "照料中心已提升 敬老院已提升 四项功能齐全 区级综合中心 乡镇养老院"
)
HOME_FACT_COLUMNS = [*FUNCTION_COLUMNS, *COUNTS, *MARKS]
PARCEL_FACT_COLUMNS = words(
    "可设功能 预留 独立空间 独立出入口 闲置国有集体房产 腾退公房 存量用房 村办公用房或校舍"
)
LIGHT = "老年食堂、康复辅具、家庭照护、养老顾问点、养老服务站、日间照料中心、幸福餐桌、互助点"
CENTRE = f"{LIGHT}、居家养老服务中心、镇街综合养老服务中心、康养联合体、嵌入式养老机构"
WHOLE = f"{CENTRE}、社区照护中心、记忆家园、记忆家园专区、综合健康养老服务机构"
REMOTE = f"{LIGHT}、居家养老服务中心、综合健康养老服务机构、流动医院巡回点"
HOMES = [
    # functions; what could be added; the counts, "" where nobody told;
    # the marks that say yes; those that nobody told
    ("社区照护中心、记忆家园专区、养老顾问点", WHOLE, (104, 31, 6, 3, 2, 1, 4, 0, 0),
     "康复室 内设医疗机构 医养结合 独立空间 安全达标 护理型为主 培训基地", "独立出入口"),
    ("嵌入式养老机构", CENTRE, (40, 11, 1, 1, 1, 0, 3, 0, 0), "医养结合 安全达标 护理型为主", ""),
    ("微型养护院", LIGHT, (7, 2, 0, 0, 0, 0, 2, 0, 0), "安全达标", "医养结合"),
    ("日间照料中心、老年食堂、居家养老服务中心、康养联合体", CENTRE, (0, 4, 1, 0, 1, 1, 0, 4, 0),
     "独立空间 独立出入口 社区卫生机构 安全达标 镇级联合体 照料中心已提升", ""),
    ("康养联合体、记忆家园、康复辅具", WHOLE, (128, 42, 9, 5, 2, 2, 5, 0, 0),
     ("内设医疗机构 医养结合 独立空间 独立出入口 安全达标 护理型为主 认知症示范 智慧养老院 "
      "智慧示范 县级联合体"), "康复室"),
    ("", CENTRE, (52, 19, 3, 3, 1, 2, 3, 0, 0), "内设医疗机构 医养结合 安全达标 护理型为主", ""),
    ("家庭照护", CENTRE, (66, 17, 2, 1, 1, 0, 3, 0, 0), "医养结合 安全达标 护理型为主", ""),
    ("", "", (20, 3, 0, 0, 0, 0, 0, 0, 0), "", "安全达标 医养结合"),
    ("居家养老服务中心、老年食堂、养老顾问点", WHOLE, (38, 9, 1, 1, 0, 0, 2, 3, 12),
     "医养结合 独立空间 独立出入口 安全达标 敬老院已提升 乡镇养老院", ""),
    ("镇街综合养老服务中心、日间照料中心", CENTRE, (30, 7, 0, 1, 1, 0, "", 0, 4),
     "安全达标 四项功能齐全 乡镇养老院", ""),
    ("幸福餐桌", CENTRE, (22, 5, 0, 0, 0, 0, 1, 0, 0), "安全达标 乡镇养老院", ""),
    ("", "", (31, 8, 1, 1, 0, 1, 2, 0, 0), "安全达标", "医养结合"),
    ("", "", (61, 15, 2, 1, 1, 0, 3, 0, 0), "医养结合 安全达标", "独立空间 独立出入口 培训基地"),
]  # fmt: skip
ISLANDS = {"江心洲村": "江心洲"}
"""Community to the island that it is; all others are the mainland."""


def home_facts(number: int) -> list[str | int]:
    """Return the cells of a home beyond its beds and place; the first home has number 0."""
    functions, could, counts, told, untold = HOMES[number]
    says_yes, blank = words(told), words(untold)
    marks = ["是" if each in says_yes else "" if each in blank else "否" for each in MARKS]
    return [functions, could, *counts, *marks]


def parcel_facts(label: str, tenure: str, community: str, number: int) -> list[str]:
    """
    Return the cells of a parcel beyond its beds, price and place.

    Parameters
    ----------
    label
        Kind of parcel in words.
    tenure
        Who holds it.
    community
        Community or village in which it lies.
    number
        Number of the parcel; whether a shared house has a door of its own depends on it.
    """
    shared = label in {"社区用房", "存量商业"}
    entrance = ("是", "否", "")[number % 3] if shared else "是"
    apart = not shared or number % 2 == 0
    return [
        _could_host(label, community, safe=apart and entrance == "是"),
        _mark(label == "社会福利用地" and tenure == "国有划拨" and number % 2 == 1),
        _mark(apart),
        entrance,
        _mark(tenure in {"国有划拨", "集体"} and label in {"闲置校舍", "村集体用房"}),
        _mark(tenure == "国有划拨" and label in {"闲置校舍", "社区用房"}),
        _mark(shared),
        _mark(label == "村集体用房" or (label == "闲置校舍" and tenure == "集体")),
    ]


def _could_host(label: str, community: str, *, safe: bool) -> str:
    """Return the functions that a parcel could take; ``safe``: rooms and a door of its own."""
    if community in ISLANDS:
        return REMOTE
    if label in {"社会福利用地", "闲置校舍"}:
        return WHOLE
    return f"{WHOLE if safe and label != '村集体用房' else CENTRE}、微型养护院"


def _mark(answer: bool) -> str:  # noqa: FBT001 - a yes or no is all there is
    """Return a yes or no as tables say it."""
    return "是" if answer else "否"
