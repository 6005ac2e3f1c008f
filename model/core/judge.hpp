// From raw scores to a judgement: probabilities, themes, the primary one, what to review, and why. As model/plain.py.
#pragma once

#include <algorithm>
#include <cmath>

#include "compiled_model.hpp"
#include "features.hpp"
#include "paragraph.hpp"

namespace policy_themes {

constexpr double announces = 0.5;
constexpr size_t most_terms = 5;
constexpr int32_t no_theme = -1;

// What a stretch of evidence adds to a raw score.
struct Contribution {
    int32_t start, end;
    double weight;
};

// The sentence that decided for a theme and its weightiest terms, `terms[first_term ... first_term + term_count)`; all offsets are of
// the original text.
struct Evidence {
    int32_t theme, start, end;
    size_t first_term, term_count;
};

struct Judgement {
    bool needs_python = false;  // the core cannot normalise this text
    uint64_t given = 0, unsure = 0;
    int32_t primary = no_theme;
    size_t first_evidence = 0, evidence_count = 0;
};

// Judgements of a batch, one a paragraph, in order.
struct Judgements {
    std::vector<Judgement> judgements;
    std::vector<double> probabilities;  // (paragraphs, themes)
    std::vector<Evidence> evidence;
    std::vector<Contribution> terms;
};

inline double calibrate(const CompiledModel& model, size_t theme, double raw) {
    if (raw == minus_infinity) return 0;
    return 1 / (1 + std::exp(-(raw * model.calibration[2 * theme] + model.calibration[2 * theme + 1])));
}

inline bool stands_before(const Contribution& a, const Contribution& b) {
    return a.start != b.start ? a.start < b.start : a.end < b.end;
}
inline bool stand_together(const Contribution& a, const Contribution& b) { return a.start == b.start && a.end == b.end; }

// What one unit's features add, by span, ascending; a feature that stands in several places is shared out among them.
class UnitContributions {
public:
    void compute(const CompiledModel& model, Paragraph& paragraph, int32_t start, int32_t end, size_t theme) {
        parts_.clear();
        keys_.clear();
        const auto enter = [&](const std::vector<Occurrence>& occurrences) {
            auto one = std::lower_bound(occurrences.begin(), occurrences.end(), start,
                                        [](const Occurrence& other, int32_t value) { return other.start < value; });
            for (; one != occurrences.end() && one->end <= end; ++one) {
                keys_.push_back(static_cast<uint64_t>(one->column) << 32 | parts_.size());
                parts_.push_back({{one->start, one->end, 0}, 0});
            }
        };
        enter(paragraph.words);
        const size_t words = parts_.size();
        enter(paragraph.concepts);
        std::sort(keys_.begin(), keys_.end());
        columns_.clear();
        for (const uint64_t key : keys_) columns_.push_back(static_cast<int32_t>(key >> 32));
        weigh(model, paragraph, columns_.data(), columns_.size());
        size_t first = 0;
        for (const Cell* cell = paragraph.row.get(); first < keys_.size(); ++cell) {
            size_t last = first;
            while (last < keys_.size() && columns_[last] == cell->column) ++last;
            const double share = cell->value * model.row(cell->column)[theme] / static_cast<double>(last - first);
            for (size_t i = first; i < last; ++i) {
                Part& part = parts_[keys_[i] & 0xFFFFFFFF];
                part.sum.weight = share, part.first = keys_[first] & 0xFFFFFFFF;
            }
            first = last;
        }
        // The plain path adds to a span column by column, in the order in which the columns first occur: the word, then concepts.
        std::sort(parts_.begin() + words, parts_.end(), [](const Part& a, const Part& b) {
            return stand_together(a.sum, b.sum) ? a.first < b.first : stands_before(a.sum, b.sum);
        });
        sums.clear();
        size_t word = 0;
        for (size_t i = words; i < parts_.size(); ++i) {
            const Contribution& part = parts_[i].sum;
            while (word < words && !stands_before(part, parts_[word].sum)) sums.push_back(parts_[word++].sum);
            if (!sums.empty() && stand_together(sums.back(), part)) {
                sums.back().weight += part.weight;
            } else {
                sums.push_back(part);
            }
        }
        for (; word < words; ++word) sums.push_back(parts_[word].sum);
    }

    std::vector<Contribution> sums;

private:
    struct Part {
        Contribution sum;
        size_t first;  // occurrence of its column
    };
    std::vector<Part> parts_;
    std::vector<uint64_t> keys_;
    std::vector<int32_t> columns_;
};

// Labels paragraphs one after the other; one object serves one thread at a time.
class Judge {
public:
    explicit Judge(const CompiledModel& model) : model_(model) {}

    // Judge the text that is in `paragraph` and put it behind `out`.
    void judge(bool with_evidence, Judgements& out) {
        const size_t themes = model_.themes;
        read(model_, paragraph);
        score_clauses(model_, paragraph);
        const std::vector<double>& scores = paragraph.clause_scores;
        double raw[CompiledModel::most_themes];
        std::fill_n(raw, themes, minus_infinity);
        for (size_t i = 0; i < scores.size(); i += themes) {
            for (size_t theme = 0; theme < themes; ++theme) raw[theme] = std::max(raw[theme], scores[i + theme]);
        }
        Judgement judgement;
        for (size_t theme = 0; theme < themes; ++theme) {
            const double probability = calibrate(model_, theme, raw[theme]);
            const uint64_t bit = uint64_t{1} << theme;
            if (probability >= model_.thresholds[theme]) judgement.given |= bit;
            if (model_.review_bands[2 * theme] <= probability && probability < model_.review_bands[2 * theme + 1]) {
                judgement.unsure |= bit;
            }
            out.probabilities.push_back(probability);
        }
        if (judgement.given) judgement.primary = primary(judgement.given);
        judgement.first_evidence = out.evidence.size();
        if (with_evidence && !paragraph.clauses.empty()) {
            for (size_t theme = 0; theme < themes; ++theme) {
                if ((judgement.given | judgement.unsure) >> theme & 1) explain(theme, out);
            }
        }
        judgement.evidence_count = out.evidence.size() - judgement.first_evidence;
        out.judgements.push_back(judgement);
    }

    // The clause with the highest raw score for `theme`, the first of equals.
    size_t best_clause(size_t theme) const {
        size_t best = 0;
        for (size_t clause = 1; clause < paragraph.clauses.size(); ++clause) {
            if (score(clause, theme) > score(best, theme)) best = clause;
        }
        return best;
    }

    // What each stretch of the clause's sentence adds to the clause's raw score, by span of the normalised text.
    const std::vector<Contribution>& contributions(size_t clause, size_t theme) {
        const Clause& span = paragraph.clauses[clause];
        const Span sentence = paragraph.sentences[span.sentence];
        whole_.compute(model_, paragraph, sentence.start, sentence.end, theme);
        alone_.compute(model_, paragraph, span.start, span.end, theme);
        total_.clear();
        auto more = alone_.sums.begin();
        for (const Contribution& one : whole_.sums) {  // every span of the clause is one of the sentence
            const bool is_in_clause = more != alone_.sums.end() && stand_together(*more, one);
            total_.push_back({one.start, one.end, in_sentence(one.weight, is_in_clause ? more++->weight : 0)});
        }
        return total_;
    }

    Paragraph paragraph;

private:
    double score(size_t clause, size_t theme) const { return paragraph.clause_scores[clause * model_.themes + theme]; }

    // The theme with the largest share of the text, where that share is large enough (labelling guideline, rule 9).
    int32_t primary(uint64_t given) const {
        int64_t length = 0, opening = 0;
        for (const Clause& clause : paragraph.clauses) {
            length += clause.end - clause.start;
            if (clause.sentence == 0) opening += clause.end - clause.start;
        }
        double largest = -1, largest_opening = 0;
        int32_t leader = no_theme;
        for (int32_t theme = 0; theme < model_.themes; ++theme) {
            if (!(given >> theme & 1)) continue;
            int64_t borne = 0, borne_opening = 0;
            for (size_t i = 0; i < paragraph.clauses.size(); ++i) {
                const Clause& clause = paragraph.clauses[i];
                if (!(calibrate(model_, theme, score(i, theme)) >= model_.thresholds[theme])) continue;
                borne += clause.end - clause.start;
                if (clause.sentence == 0) borne_opening += clause.end - clause.start;
            }
            const double share = static_cast<double>(borne) / static_cast<double>(length);
            if (share > largest) {
                largest = share, leader = theme;
                largest_opening = static_cast<double>(borne_opening) / static_cast<double>(opening);
            }
        }
        return largest >= (largest_opening >= announces ? model_.announced_share : model_.primary_share) ? leader : no_theme;
    }

    void explain(size_t theme, Judgements& out) {
        const size_t clause = best_clause(theme);
        const Span sentence = paragraph.sentences[paragraph.clauses[clause].sentence];
        contributions(clause, theme);
        const size_t shown = std::min(most_terms, total_.size());
        std::partial_sort(total_.begin(), total_.begin() + shown, total_.end(), [](const Contribution& a, const Contribution& b) {
            return a.weight != b.weight ? a.weight > b.weight : stands_before(a, b);
        });
        Evidence evidence{static_cast<int32_t>(theme), paragraph.starts[sentence.start], paragraph.ends[sentence.end - 1],
                          out.terms.size(), 0};
        for (size_t i = 0; i < shown && total_[i].weight > 0; ++i) {
            out.terms.push_back({paragraph.starts[total_[i].start], paragraph.ends[total_[i].end - 1], total_[i].weight});
        }
        evidence.term_count = out.terms.size() - evidence.first_term;
        out.evidence.push_back(evidence);
    }

    const CompiledModel& model_;
    UnitContributions whole_, alone_;
    std::vector<Contribution> total_;
};

}  // namespace policy_themes
