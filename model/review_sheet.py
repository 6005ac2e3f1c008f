"""The sheet in which people correct labels, as both sides know it: results are written with one, and training reads it back.

One row a paragraph that the model is not sure of. Each theme has a column of its Chinese name with a verdict, filled in with the
model's answer; a row counts as reviewed once `REVIEWER` is filled in. The last columns are hidden: they say what was reviewed.
"""

SHEET = "待复核"
"""Name of the sheet; where one does not hold all rows, further ones are called 待复核(2), ……"""

TEXT = "正文"
PRIMARY = "主要主题"
REVIEWER = "复核人"
NOTE = "备注"

YES = "是"
NO = "否"
OTHER = "其他"
"""What stands in `PRIMARY` where no single theme leads."""

TEXT_SHA256 = "正文校验"
"""SHA-256, in hexadecimal, of the text as its cell holds it: encoded in UTF-8, line feeds as line ends."""
MODEL = "模型版本"
FILE = "来源文件"
PLACE = "来源位置"
"""JSON object of the fields of the row's place."""
PREDICTED = "模型的主题"
"""JSON list of the ids that the model gave."""
PREDICTED_PRIMARY = "模型的主要主题"
"""Id of a theme, or `other`."""

HIDDEN = (TEXT_SHA256, MODEL, FILE, PLACE, PREDICTED, PREDICTED_PRIMARY)
