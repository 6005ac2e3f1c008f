// Feeds the core whatever libFuzzer makes up, and checks what holds of any text; `make fuzz` builds and runs it under sanitizers.
// The model is the file that POLICY_THEMES_COMPILED names.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "batch.hpp"

using namespace policy_themes;

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

const CompiledModel& model() {
    static const std::vector<uint8_t> content = [] {
        const char* path = std::getenv("POLICY_THEMES_COMPILED");
        std::ifstream file(path ? path : "", std::ios::binary | std::ios::ate);
        std::vector<uint8_t> bytes(file ? static_cast<size_t>(file.tellg()) : 0);
        file.seekg(0).read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return bytes;
    }();
    static const CompiledModel loaded(content.data(), content.size());
    return loaded;
}

// The words of `paragraph` cover it without gap.
void check_words(const Paragraph& paragraph) {
    std::vector<Span> words;
    SpanSink sink{words};
    segment(model(), paragraph, sink);
    int32_t end = 0;
    for (const Span& word : words) {
        require(word.start == end && word.start < word.end, "words follow one another");
        end = word.end;
    }
    require(end == paragraph.length, "words cover the text");
}

template <class Code>
void check(const std::vector<Code>& text) {
    Judge judge(model());
    Paragraph& paragraph = judge.paragraph;
    take_raw(model(), text.data(), text.size(), paragraph);
    find_route(model(), paragraph);
    check_words(paragraph);

    if (!normalise(model(), text.data(), text.size(), paragraph)) {
        // Python would normalise; any text with any offsets in order will do here.
        std::vector<uint32_t> codes(text.begin(), text.end());
        std::vector<int32_t> starts, ends;
        for (size_t i = 0; i < text.size(); ++i) starts.push_back(static_cast<int32_t>(i)), ends.push_back(static_cast<int32_t>(i + 1));
        take_normalised(model(), text.data(), codes.data(), starts.data(), ends.data(), text.size(), paragraph);
    }
    Judgements out;
    judge.judge(true, out);
    check_words(paragraph);
    const int32_t size = static_cast<int32_t>(text.size());
    for (int32_t i = 0; i < paragraph.length; ++i) {
        require(0 <= paragraph.starts[i] && paragraph.starts[i] < paragraph.ends[i] && paragraph.ends[i] <= size, "offsets lie in the text");
        require(i == 0 || paragraph.starts[i - 1] <= paragraph.starts[i], "offsets ascend");
    }
    int32_t end = 0;
    for (const Span& sentence : paragraph.sentences) {
        require(sentence.start == end && sentence.start < sentence.end, "sentences follow one another");
        end = sentence.end;
    }
    require(end == paragraph.length, "sentences cover the text");
    end = 0;
    for (const Clause& clause : paragraph.clauses) {
        require(clause.start == end && clause.start < clause.end, "clauses follow one another");
        const Span sentence = paragraph.sentences[clause.sentence];
        require(sentence.start <= clause.start && clause.end <= sentence.end, "clauses lie in their sentences");
        end = clause.end;
    }
    require(end == paragraph.length, "clauses cover the text");
    for (const double score : paragraph.clause_scores) require(std::isfinite(score) || score == minus_infinity, "scores are numbers");
    for (const double probability : out.probabilities) require(probability >= 0 && probability <= 1, "probabilities lie in [0, 1]");
    for (const Evidence& item : out.evidence) {
        require(0 <= item.start && item.start < item.end && item.end <= size, "evidence lies in the text");
        for (size_t i = 0; i < item.term_count; ++i) {
            const Contribution& term = out.terms[item.first_term + i];
            require(item.start <= term.start && term.start < term.end && term.end <= item.end, "terms lie in the evidence");
            require(term.weight > 0 && std::isfinite(term.weight), "terms add to the score");
        }
    }
    // What each stretch of a sentence adds, and the intercept, sum to the raw score.
    for (int32_t theme = 0; theme < model().themes && !paragraph.clauses.empty(); ++theme) {
        const size_t clause = judge.best_clause(theme);
        const double score = paragraph.clause_scores[clause * model().themes + theme];
        if (score == minus_infinity) continue;
        double sum = model().intercepts[theme], size_of_parts = std::fabs(sum);
        for (const Contribution& part : judge.contributions(clause, theme)) sum += part.weight, size_of_parts += std::fabs(part.weight);
        require(std::fabs(sum - score) <= 1e-11 * (1 + size_of_parts), "contributions sum to the score");
    }
}

// Half of the numbers are taken as frequent characters of the dictionary, so that words come up.
uint32_t code_from(uint16_t number) {
    static const std::vector<uint32_t> frequent = [] {
        std::vector<uint32_t> codes(4096, 'a');
        for (uint32_t code = 0; code < 0x110000; ++code) {
            const uint16_t id = own_value(model(), code).id();
            if (id && id < codes.size()) codes[id] = code;
        }
        return codes;
    }();
    return number < 0x8000 ? frequent[number % frequent.size()] : (number - 0x8000u) * 34 % 0x110000;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    const uint8_t how = data[0];
    ++data, --size;
    if (how % 4 == 0) {  // Latin
        check(std::vector<uint8_t>(data, data + size));
    } else if (how % 4 == 1) {  // code units of two bytes, any
        std::vector<uint16_t> text(size / 2);
        std::memcpy(text.data(), data, text.size() * 2);
        check(text);
    } else {  // characters of the dictionary, now and then others
        std::vector<uint32_t> text;
        for (size_t i = 0; i + 1 < size; i += 2) text.push_back(code_from(static_cast<uint16_t>(data[i] | data[i + 1] << 8)));
        check(text);
    }
    return 0;
}
