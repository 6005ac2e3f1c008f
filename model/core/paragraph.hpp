// What is known of one paragraph while it is labelled. One object serves paragraph after paragraph; its memory only grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace policy_themes {

// Memory for `reserve`d elements, uninitialised; what was in it is lost when it grows.
template <class Element>
class Buffer {
public:
    void reserve(size_t size) {
        if (size > capacity_) {
            capacity_ = size + size / 4;
            data_.reset(new Element[capacity_]);
        }
    }
    // As `reserve`, but the first `kept` elements stay.
    void extend(size_t size, size_t kept) {
        if (size > capacity_) {
            std::unique_ptr<Element[]> old = std::move(data_);
            capacity_ = size + size / 4;
            data_.reset(new Element[capacity_]);
            for (size_t i = 0; i < kept; ++i) data_[i] = old[i];
        }
    }
    size_t capacity() const { return capacity_; }
    Element* get() { return data_.get(); }
    const Element* get() const { return data_.get(); }
    Element& operator[](size_t index) { return data_[index]; }
    const Element& operator[](size_t index) const { return data_[index]; }

private:
    std::unique_ptr<Element[]> data_;
    size_t capacity_ = 0;
};

// Half-open span of the normalised text.
struct Span {
    int32_t start, end;
};

struct Clause {
    int32_t start, end;
    int32_t sentence;
};

// One occurrence of a feature.
struct Occurrence {
    int32_t column, start, end;
};

// One feature of a row of the feature matrix.
struct Cell {
    double value;
    int32_t column;
};

// A term of the lexicon that the trie met.
struct TermCandidate {
    int32_t start, end;
    uint32_t node;
};

struct Paragraph {
    // The normalised text: each character's number in lower case (0: not in the dictionary), what kind it is, and where it stood.
    int32_t length = 0;
    Buffer<uint16_t> ids;   // with two zeros behind the last
    Buffer<uint8_t> kinds;  // with a zero behind the last
    Buffer<int32_t> starts, ends;

    std::vector<Span> sentences;
    std::vector<Clause> clauses;

    // The dictionary's best route: from each place, the weight to the end of the block, the end of the first word, and its node.
    Buffer<double> best;
    Buffer<int32_t> next;
    Buffer<uint32_t> node;
    Buffer<uint32_t> second;  // see find_route
    std::vector<TermCandidate> candidates;  // by start from last to first, by end from first to last
    Buffer<uint8_t> boundaries;             // whether a word ends there (or the text begins)

    std::vector<Occurrence> words, concepts;
    std::vector<double> clause_scores;  // (clauses, themes), in logits

    // Working memory of features.hpp and judge.hpp.
    std::vector<uint64_t> keys;
    std::vector<size_t> places;
    Buffer<int32_t> columns;
    Buffer<Cell> row;
    size_t cells = 0;

    // Above this many characters the memory is given back after use.
    static constexpr size_t kept_characters = 1 << 18;
    bool is_large() const { return ids.capacity() > kept_characters; }
};

}  // namespace policy_themes
