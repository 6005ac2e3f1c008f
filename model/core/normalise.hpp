// Text to normalised, numbered characters that know where they stood; sentences and clauses. As model/text.py and model/sentences.py.
#pragma once

#include "compiled_model.hpp"
#include "paragraph.hpp"

namespace policy_themes {

// What a character is to those who cut text. From `hyphen` on: what jieba takes into one block.
enum Kind : uint8_t {
    other, sentence_mark, closing_mark, clause_mark, dash, ellipsis, han_beyond_jieba, carriage_return, line_feed,
    hyphen, sign, dot, percent, letter, digit, han
};
inline bool in_block(uint8_t kind) { return kind >= hyphen; }
inline bool is_han(uint8_t kind) { return kind == han || kind == han_beyond_jieba; }

// What the tables say of a code point: what becomes of it, and of the character that it becomes the kind, whether it belongs to a
// word of alphabetic script, and the number.
enum Action : uint32_t { becomes, vanishes, parts, expands, needs_python };
struct CharacterValue {
    uint32_t packed;
    uint16_t id() const { return packed & 0xFFFF; }
    uint8_t kind() const { return packed >> 16 & 0xF; }
    bool is_alphabetic() const { return packed >> 20 & 1; }
    Action action() const { return static_cast<Action>(packed >> 21); }
    uint32_t expansion() const { return packed & 0x1FFFFF; }  // place in `expansions`: the length, then the characters
};

inline CharacterValue normal_value(const CompiledModel& model, uint32_t code) {
    return {model.normal_values[model.normal_index[code >> 8] * 256u + (code & 255)]};
}
inline CharacterValue own_value(const CompiledModel& model, uint32_t code) {
    return {model.own_values[model.own_index[code >> 8] * 256u + (code & 255)]};
}

inline void reserve_text(Paragraph& paragraph, size_t size) {
    paragraph.ids.reserve(size + 2);
    paragraph.kinds.reserve(size + 1);
    paragraph.starts.reserve(size);
    paragraph.ends.reserve(size);
}

inline void finish_text(Paragraph& paragraph, size_t length) {
    paragraph.length = static_cast<int32_t>(length);
    paragraph.ids[length] = paragraph.ids[length + 1] = 0;
    paragraph.kinds[length] = other;
}

// Normalise `text`; false where it has characters that only the plain path understands (combining marks, lower case by context).
template <class Code>
bool normalise(const CompiledModel& model, const Code* text, size_t size, Paragraph& paragraph) {
    reserve_text(paragraph, size);
    size_t length = 0;
    int32_t space_at = -1;  // where the space stands that may part two words
    bool after_word = false;
    const auto put = [&](CharacterValue value, int32_t offset) {
        if (space_at >= 0) {
            if (after_word && value.is_alphabetic()) {
                const CharacterValue space = own_value(model, ' ');
                paragraph.ids[length] = space.id(), paragraph.kinds[length] = space.kind();
                paragraph.starts[length] = space_at, paragraph.ends[length] = space_at + 1;
                ++length;
            }
            space_at = -1;
        }
        paragraph.ids[length] = value.id(), paragraph.kinds[length] = value.kind();
        paragraph.starts[length] = offset, paragraph.ends[length] = offset + 1;
        after_word = value.is_alphabetic();
        ++length;
    };
    for (size_t i = 0; i < size; ++i) {
        const CharacterValue value = normal_value(model, text[i]);
        const int32_t offset = static_cast<int32_t>(i);
        switch (value.action()) {
        case becomes:
            put(value, offset);
            break;
        case vanishes:
            break;
        case parts:
            if (space_at < 0) space_at = offset;
            break;
        case expands: {
            const uint32_t* expansion = model.expansions.data + value.expansion();
            // Each character still to come needs a place at most, a pending space had one.
            const size_t needed = length + 1 + expansion[0] + (size - i);
            paragraph.ids.extend(needed + 2, length), paragraph.kinds.extend(needed + 1, length);
            paragraph.starts.extend(needed, length), paragraph.ends.extend(needed, length);
            for (uint32_t j = 1; j <= expansion[0]; ++j) {
                const CharacterValue part{expansion[j]};
                if (part.action() != parts) {
                    put(part, offset);
                } else if (space_at < 0) {
                    space_at = offset;
                }
            }
            break;
        }
        default:
            return false;
        }
    }
    finish_text(paragraph, length);
    return true;
}

// Take text that is normalised already, with the same text in lower case and the places where its characters stood.
template <class Code>
void take_normalised(const CompiledModel& model, const Code* text, const uint32_t* lowered, const int32_t* starts,
                     const int32_t* ends, size_t size, Paragraph& paragraph) {
    reserve_text(paragraph, size);
    for (size_t i = 0; i < size; ++i) {
        paragraph.ids[i] = own_value(model, lowered[i]).id();
        paragraph.kinds[i] = own_value(model, text[i]).kind();
        paragraph.starts[i] = starts[i], paragraph.ends[i] = ends[i];
    }
    finish_text(paragraph, size);
}

// Take text as it stands, for segmentation alone.
template <class Code>
void take_raw(const CompiledModel& model, const Code* text, size_t size, Paragraph& paragraph) {
    reserve_text(paragraph, size);
    for (size_t i = 0; i < size; ++i) {
        const CharacterValue value = own_value(model, text[i]);
        paragraph.ids[i] = value.id(), paragraph.kinds[i] = value.kind();
    }
    finish_text(paragraph, size);
}

// Cut to sentences and clauses.
inline void split(Paragraph& paragraph) {
    paragraph.sentences.clear();
    paragraph.clauses.clear();
    const uint8_t* kinds = paragraph.kinds.get();
    const int32_t length = paragraph.length;
    int32_t sentence_start = 0, clause_start = 0;
    const auto end_clause = [&](int32_t end) {
        paragraph.clauses.push_back({clause_start, end, static_cast<int32_t>(paragraph.sentences.size())});
        clause_start = end;
    };
    const auto end_sentence = [&](int32_t end) {
        if (clause_start < end) end_clause(end);
        paragraph.sentences.push_back({sentence_start, end});
        sentence_start = end;
    };
    // `kinds` ends with a zero, which stops every run.
    for (int32_t i = 0; i < length;) {
        const uint8_t kind = kinds[i];
        int32_t end = i + 1;
        if (kind == sentence_mark) {
            while (kinds[end] == sentence_mark) ++end;
            while (kinds[end] == closing_mark) ++end;
            end_sentence(end);
        } else if (kind == dot) {
            if (i > 0 && is_han(kinds[i - 1]) && is_han(kinds[end])) end_sentence(end);
        } else if (kind == clause_mark || kind == ellipsis) {
            while (kinds[end] == kind) ++end;
            end_clause(end);
        } else if ((kind == dash || kind == hyphen) && kinds[end] == kind) {
            end_clause(++end);
        }
        i = end;
    }
    if (sentence_start < length) end_sentence(length);
}

}  // namespace policy_themes
