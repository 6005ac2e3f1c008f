// The compiled model: one read-only block of memory, cut into named sections. `model/compiled.py` says what they hold.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "compiled models are little-endian; the plain path serves here"
#endif

namespace policy_themes {

struct ModelError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A section as an array of its elements.
template <class Element>
struct Section {
    const Element* data = nullptr;
    size_t size = 0;
    const Element& operator[](size_t index) const { return data[index]; }
};

// A node of the dictionary's double-array trie. The child of node `n` by character `id` is the node `child_base + id` if its `parent`
// is `n`. Children of the root have the numbers of their characters. All that is asked of a node lies together, since each node that
// text meets is a wait for memory.
struct Node {
    uint32_t base_and_term;  // child_base * 2 + 1 where a term of the lexicon ends
    uint32_t parent;
    int32_t column;       // of the word that ends here: -1 for none, -2 - n for term n
    uint16_t weight;      // place in `weights`
    uint16_t child_bits;  // of each child the bit `id % 16`

    uint32_t child_base() const { return base_and_term >> 1; }
    bool ends_term() const { return base_and_term & 1; }
    bool may_have_child(uint16_t id) const { return child_bits >> (id & 15) & 1; }
};
static_assert(sizeof(Node) == 16);

// A term of the lexicon: its own column as a word (-1: none), and its concepts, `term_concepts[first ... first + count)`.
struct TermRecord {
    int32_t column;
    uint32_t first_concept;
    uint32_t concept_count;
};

// A slot of the hash table of vocabulary words; `column` is -1 where it is free.
struct VocabularySlot {
    uint32_t hash;
    int32_t column;
};

class CompiledModel {
public:
    static constexpr uint32_t format = 1;
    static constexpr int32_t most_themes = 64;  // they are kept as bits
    static constexpr int lanes = 8;             // rows are padded to whole groups of this many doubles

    // Find the sections in `size` bytes at `data`, which must outlive this object. The caller has checked the hash.
    CompiledModel(const uint8_t* data, size_t size) : data_(data), size_(size) {
        if (size < header_bytes || std::memcmp(data, "PTMODEL", 8) != 0) throw ModelError("not a compiled model");
        if (read<uint32_t>(8) != format) throw ModelError("another format of compiled models");
        if (read<uint64_t>(16) != size) throw ModelError("a compiled model of another length");
        find(normal_index, "normal_index"), find(normal_values, "normal_values"), find(expansions, "expansions");
        find(own_index, "own_index"), find(own_values, "own_values");
        find(nodes, "nodes"), find(weights, "weights"), find(pairs, "pairs"), find(terms, "terms"), find(term_concepts, "term_concepts");
        find(emissions, "emissions"), find(hmm, "hmm"), find(character_columns, "char_columns");
        find(vocabulary, "vocabulary"), find(word_starts, "word_starts"), find(word_characters, "word_chars");
        find(term_frequencies, "term_freqs"), find(rows, "rows");
        find(settings, "settings"), find(intercepts, "intercepts"), find(thresholds, "thresholds");
        find(review_bands, "review_bands"), find(calibration, "calibration");
        themes = static_cast<int32_t>(intercepts.size);
        stride = (themes + 1 + lanes - 1) / lanes * lanes;
        words = static_cast<int32_t>(word_starts.size) - 1;
        check(settings.size == 4 && hmm.size == 12 && themes >= 1 && themes <= most_themes);
        check(thresholds.size == intercepts.size && calibration.size == 2 * intercepts.size);
        check(review_bands.size == 2 * intercepts.size && rows.size % stride == 0 && words >= 0);
        check(normal_index.size == code_blocks && own_index.size == code_blocks && expansions.size > 0);
        check(pairs.size == pair_words && nodes.size > character_columns.size && !(vocabulary.size & (vocabulary.size - 1)));
        check(emissions.size == 4 * character_columns.size && term_frequencies.size > 1 && vocabulary.size > 0);
        unknown_weight = settings[0], primary_share = settings[1], announced_share = settings[2], concept_weight = settings[3];
    }

    // Text: see normalise.hpp.
    Section<uint16_t> normal_index, own_index;
    Section<uint32_t> normal_values, own_values, expansions;
    // Dictionary and hidden Markov model: see segment.hpp.
    Section<Node> nodes;
    Section<double> weights;        // log(frequency) - log(total) of words; minus infinity for what is none
    Section<uint64_t> pairs;        // see `may_begin_with`
    Section<TermRecord> terms;
    Section<int32_t> term_concepts;    // columns
    Section<double> emissions;         // of each character: in the states B, E, M, S
    Section<double> hmm;               // start B, E, M, S; transitions EB, SB, BE, ME, MM, BM, SS, ES
    Section<int32_t> character_columns;  // column of a character as a word, or -1
    // Features and scores: see features.hpp and judge.hpp.
    Section<VocabularySlot> vocabulary;
    Section<uint32_t> word_starts;       // of each word column: where its characters start in word_characters
    Section<uint16_t> word_characters;
    Section<double> term_frequencies;    // log(n) + 1
    Section<double> rows;                // of each column: coefficients of the themes, padding, idf
    Section<double> settings, intercepts, thresholds, review_bands, calibration;
    int32_t themes, stride, words;
    double unknown_weight, primary_share, announced_share, concept_weight;

    // Whether the trie may have a path by these two characters; false is sure.
    bool may_begin_with(uint16_t first, uint16_t second) const {
        const uint32_t bit = ((uint32_t{first} << 16 | second) * 2654435769u) >> (32 - pair_bits);
        return pairs[bit / 64] >> (bit % 64) & 1;
    }
    const double* row(int32_t column) const { return rows.data + static_cast<size_t>(column) * stride; }
    double idf(const double* row) const { return row[stride - 1]; }

private:
    static constexpr size_t header_bytes = 128;
    static constexpr size_t entry_bytes = 32;
    static constexpr int pair_bits = 21;
    static constexpr size_t pair_words = (size_t{1} << pair_bits) / 64;
    static constexpr size_t code_blocks = 0x110000 / 256;

    static void check(bool holds) {
        if (!holds) throw ModelError("a compiled model whose sections do not fit together");
    }

    template <class Number>
    Number read(size_t offset) const {
        Number number;
        std::memcpy(&number, data_ + offset, sizeof number);
        return number;
    }

    template <class Element>
    void find(Section<Element>& section, const char* name) const {
        const size_t count = read<uint32_t>(12);
        check(count <= (size_ - header_bytes) / entry_bytes);
        for (size_t entry = header_bytes; entry < header_bytes + count * entry_bytes; entry += entry_bytes) {
            if (std::strncmp(reinterpret_cast<const char*>(data_ + entry), name, 16) != 0) continue;
            const uint64_t offset = read<uint64_t>(entry + 16), bytes = read<uint64_t>(entry + 24);
            check(offset <= size_ && bytes <= size_ - offset && offset % 64 == 0 && bytes % sizeof(Element) == 0);
            section.data = reinterpret_cast<const Element*>(data_ + offset);
            section.size = bytes / sizeof(Element);
            return;
        }
        throw ModelError(std::string("a compiled model without the section ") + name);
    }

    const uint8_t* data_;
    size_t size_;
};

}  // namespace policy_themes
