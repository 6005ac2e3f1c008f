// Words and concepts that the classifiers know, and what the classifiers say of sentences and clauses. As model/features.py,
// scikit-learn's TfidfVectorizer (sublinear, unit length) and its linear models; sums in their order.
#pragma once

#include <algorithm>
#include <cmath>

#include "compiled_model.hpp"
#include "paragraph.hpp"
#include "segment.hpp"

namespace policy_themes {

inline uint32_t hash_of(const uint16_t* ids, size_t length) {  // FNV-1a over 16-bit units
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; ++i) hash = (hash ^ ids[i]) * 16777619u;
    return hash;
}

// Column of the word `ids[0 ... length)`, or -1.
inline int32_t find_word(const CompiledModel& model, const uint16_t* ids, size_t length) {
    const uint32_t hash = hash_of(ids, length);
    const size_t mask = model.vocabulary.size - 1;
    for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
        const VocabularySlot& entry = model.vocabulary[slot];
        if (entry.column < 0) return -1;
        if (entry.hash != hash) continue;
        const uint32_t start = model.word_starts[entry.column], end = model.word_starts[entry.column + 1];
        if (end - start == length && std::equal(ids, ids + length, model.word_characters.data + start)) return entry.column;
    }
}

// Keeps the words that are features, and where words end.
struct FeatureSink {
    const CompiledModel& model;
    Paragraph& paragraph;

    void put(int32_t column, int32_t start, int32_t end) {
        paragraph.boundaries[end] = 1;
        if (column < 0) return;
        __builtin_prefetch(model.row(column));  // needed when the sentence is scored
        paragraph.words.push_back({column, start, end});
    }
    void word(int32_t start, int32_t end, uint32_t node) {
        int32_t column = model.nodes[node].column;
        if (column < -1) column = model.terms[-2 - column].column;
        put(column, start, end);
    }
    void single(int32_t place) { put(model.character_columns[paragraph.ids[place]], place, place + 1); }
    void made(int32_t start, int32_t end) {
        if (end - start == 1) return single(start);
        put(find_word(model, paragraph.ids.get() + start, end - start), start, end);
    }
};

// The terms that begin and end where words do, leftmost and longest first, as concepts.
inline void find_concepts(const CompiledModel& model, Paragraph& paragraph) {
    paragraph.concepts.clear();
    int32_t position = 0;
    for (auto found = paragraph.candidates.rbegin(); found != paragraph.candidates.rend(); ++found) {
        if (found->start < position || !paragraph.boundaries[found->start] || !paragraph.boundaries[found->end]) continue;
        const TermRecord& term = model.terms[-2 - model.nodes[found->node].column];
        for (uint32_t i = 0; i < term.concept_count; ++i) {
            const int32_t column = model.term_concepts[term.first_concept + i];
            if (column >= 0) paragraph.concepts.push_back({column, found->start, found->end});
        }
        position = found->end;
    }
}

// Read the normalised text: sentences, clauses, words, concepts.
inline void read(const CompiledModel& model, Paragraph& paragraph) {
    split(paragraph);
    find_route(model, paragraph);
    paragraph.words.clear();
    paragraph.boundaries.reserve(paragraph.length + 1);
    std::fill_n(paragraph.boundaries.get(), paragraph.length + 1, uint8_t{0});
    paragraph.boundaries[0] = 1;
    FeatureSink sink{model, paragraph};
    segment(model, paragraph, sink);
    find_concepts(model, paragraph);
}

// A range of occurrences that lie in one span.
struct Range {
    size_t first, last;
};

// The occurrences within `span`, of those from `first` on (in order, not overlapping but for equal spans).
inline Range within(const std::vector<Occurrence>& occurrences, size_t first, int32_t start, int32_t end) {
    while (first < occurrences.size() && occurrences[first].start < start) ++first;
    size_t last = first;
    while (last < occurrences.size() && occurrences[last].end <= end) ++last;
    return {first, last};
}

// The features of a unit as a row of the feature matrix: `paragraph.row`, columns ascending, words before concepts.
// `columns` are its `size` occurrences, ascending.
inline void weigh(const CompiledModel& model, Paragraph& paragraph, const int32_t* columns, size_t size) {
    paragraph.row.reserve(size);
    Cell* row = paragraph.row.get();
    size_t cells = 0, i = 0;
    double squares = 0;
    while (i < size && columns[i] < model.words) {
        const int32_t column = columns[i];
        size_t count = 1;
        while (++i < size && columns[i] == column) ++count;
        const double frequency = count < model.term_frequencies.size ? model.term_frequencies[count] : std::log(count) + 1;
        const double value = frequency * model.idf(model.row(column));
        squares += value * value;
        row[cells++] = {value, column};
    }
    const double norm = std::sqrt(squares);
    for (size_t cell = 0; cell < cells; ++cell) row[cell].value /= norm;
    for (; i < size; ++i) {
        if (cells == 0 || row[cells - 1].column != columns[i]) row[cells++] = {model.concept_weight, columns[i]};
    }
    paragraph.cells = cells;
}

// Raw scores of the row that `weigh` made: `logits[themes]`.
inline void score_row(const CompiledModel& model, const Paragraph& paragraph, double* logits) {
    constexpr int lanes = CompiledModel::lanes;
    for (int32_t lane = 0; lane < model.themes; lane += lanes) {
        double sums[lanes] = {};
        for (const Cell* cell = paragraph.row.get(); cell != paragraph.row.get() + paragraph.cells; ++cell) {
            const double* coefficients = model.row(cell->column) + lane;
            for (int j = 0; j < lanes; ++j) sums[j] += cell->value * coefficients[j];
        }
        for (int32_t j = 0; j < lanes && lane + j < model.themes; ++j) logits[lane + j] = sums[j] + model.intercepts[lane + j];
    }
}

// A clause's raw score: what the classifiers say of it, and half as much of its sentence.
inline double in_sentence(double sentence, double clause) { return (sentence + 2 * clause) / 3; }

// Raw scores of all clauses; minus infinity where the classifiers know nothing in the sentence.
inline void score_clauses(const CompiledModel& model, Paragraph& paragraph) {
    const size_t themes = model.themes;
    paragraph.clause_scores.resize(paragraph.clauses.size() * themes);
    double whole[CompiledModel::most_themes], alone[CompiledModel::most_themes];
    size_t first_word = 0, first_concept = 0, first_clause = 0;
    for (size_t sentence = 0; sentence < paragraph.sentences.size(); ++sentence) {
        const Span span = paragraph.sentences[sentence];
        size_t last_clause = first_clause;
        while (last_clause < paragraph.clauses.size() && paragraph.clauses[last_clause].sentence == static_cast<int32_t>(sentence)) {
            ++last_clause;
        }
        const Range words = within(paragraph.words, first_word, span.start, span.end);
        const Range concepts = within(paragraph.concepts, first_concept, span.start, span.end);
        first_word = words.last, first_concept = concepts.last;
        double* scores = paragraph.clause_scores.data() + first_clause * themes;
        const size_t clause_count = last_clause - first_clause;
        if (words.first == words.last && concepts.first == concepts.last) {
            std::fill_n(scores, clause_count * themes, minus_infinity);
            first_clause = last_clause;
            continue;
        }
        // Sort all occurrences once, each with its clause, and deal them out to the clauses in that order.
        paragraph.keys.clear();
        paragraph.places.assign(clause_count + 2, 0);  // of clause c: where its occurrences start; behind the last: those of none
        const auto enter = [&](const std::vector<Occurrence>& occurrences, Range range) {
            size_t clause = 0;
            for (size_t i = range.first; i < range.last; ++i) {
                while (occurrences[i].start >= paragraph.clauses[first_clause + clause].end) ++clause;
                const size_t owner = occurrences[i].end <= paragraph.clauses[first_clause + clause].end ? clause : clause_count;
                paragraph.keys.push_back(static_cast<uint64_t>(occurrences[i].column) << 32 | owner);
                ++paragraph.places[owner + 1];
            }
        };
        enter(paragraph.words, words);
        enter(paragraph.concepts, concepts);
        std::sort(paragraph.keys.begin(), paragraph.keys.end());
        const size_t size = paragraph.keys.size();
        paragraph.columns.reserve(2 * size);
        int32_t* columns = paragraph.columns.get();
        for (size_t i = 0; i < size; ++i) columns[i] = static_cast<int32_t>(paragraph.keys[i] >> 32);
        weigh(model, paragraph, columns, size);
        score_row(model, paragraph, whole);
        if (clause_count == 1 && paragraph.places[2] == 0) {
            for (size_t theme = 0; theme < themes; ++theme) scores[theme] = in_sentence(whole[theme], whole[theme]);
            first_clause = last_clause;
            continue;
        }
        for (size_t clause = 0; clause < clause_count; ++clause) paragraph.places[clause + 1] += paragraph.places[clause];
        int32_t* dealt = columns + size;
        for (size_t i = 0; i < size; ++i) dealt[paragraph.places[paragraph.keys[i] & 0xFFFFFFFF]++] = columns[i];
        size_t start = 0;  // `places` of a clause now says where its occurrences end
        for (size_t clause = 0; clause < clause_count; ++clause) {
            const size_t end = paragraph.places[clause];
            weigh(model, paragraph, dealt + start, end - start);
            score_row(model, paragraph, alone);
            for (size_t theme = 0; theme < themes; ++theme) {
                scores[clause * themes + theme] = in_sentence(whole[theme], alone[theme]);
            }
            start = end;
        }
        first_clause = last_clause;
    }
}

}  // namespace policy_themes
