"""Counts of the data, as the data sheet quotes them."""

from collections import Counter

from training.dataset import Dataset
from training.report import markdown_table


def census(dataset: Dataset) -> str:
    """Tables of the data by theme, by genre and by look-alike, and of the lexicon by kind."""
    sentences, paragraphs = Counter[str](), Counter[str]()
    for sentence in dataset.sentences:
        sentences.update(sentence.themes or ["—"])
    for paragraph in dataset.paragraphs:
        paragraphs.update(paragraph.themes or ["—"])
    by_theme = markdown_table(
        ["主题", "句", "段"],
        [[theme, str(sentences[theme]), str(paragraphs[theme])] for theme in [*dataset.theme_ids, "—"]],
    )
    genres_s = Counter(dataset.documents[sentence.document].genre for sentence in dataset.sentences)
    genres_p = Counter(dataset.documents[paragraph.document].genre for paragraph in dataset.paragraphs)
    by_genre = markdown_table(
        ["文体", "句", "段"],
        [[genre, str(count), str(genres_p[genre])] for genre, count in genres_s.most_common()],
    )
    look_alikes = Counter(
        kind
        for sentence in [
            *dataset.sentences,
            *(sentence for paragraph in dataset.paragraphs for sentence in paragraph.sentences or ()),
        ]
        for kind in sentence.resembles
    )
    by_look_alike = markdown_table(
        ["难例类型", "句"], [[kind, str(count)] for kind, count in look_alikes.most_common()]
    )
    concepts = Counter(term.concepts[0] for term in dataset.lexicon.terms)
    by_concept = markdown_table(["词典类别", "词条"], [[name, str(count)] for name, count in sorted(concepts.items())])
    return "\n\n".join([by_theme, by_genre, by_look_alike, by_concept]) + "\n"
