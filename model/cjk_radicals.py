"""CJK radicals that stand in text for the ideographs they look like.

PDF text carries radicals in place of ideographs (\u2ea0 for \u6c11). NFKC mends the Kangxi radicals, U+2F00 to U+2FD5, but not the CJK
Radicals Supplement, U+2E80 to U+2EF3. This is that block of the Unicode property Equivalent_Unified_Ideograph, without
what NFKC already maps. Source: EquivalentUnifiedIdeograph-15.0.0.txt of the Unicode Character Database
(https://www.unicode.org/terms_of_use.html).
"""

_RADICALS = (
    "⺁⺂⺃⺄⺅⺆⺇⺈⺉⺊⺋⺌⺍⺎⺏⺐⺑⺒⺓⺔⺕⺖⺗⺘⺙⺛⺜⺝⺞⺠⺡⺢⺣⺤⺥⺦⺧⺨⺩⺪"
    "⺫⺬⺭⺮⺯⺰⺱⺲⺳⺴⺵⺶⺷⺸⺹⺺⺻⺼⺽⺾⺿⻀⻁⻂⻃⻄⻅⻆⻇⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑⻒"
    "⻓⻔⻕⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲"
)
_IDEOGRAPHS = (
    "厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑𫜹忄心扌攵旡日月歺民氵氺灬爫爫丬牛犭王𤴔"
    "目示礻𥫗糹纟罓罒㓁冗𦉫羊𦍌𦍋耂肀聿肉𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶邑钅長镸"
    "长门𨸏阝雨青韦页风飞食𩙿飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀"
)

RADICAL_TO_IDEOGRAPH: dict[str, str] = dict(zip(_RADICALS, _IDEOGRAPHS, strict=True))
