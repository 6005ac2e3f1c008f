// Words exactly as jieba 0.42.1 cuts them (accurate mode, hidden Markov model on), but for runs over `longest_hmm_run`; the terms of
// the lexicon, which are all words of the dictionary. As model/words.py and model/lexicon.py.
#pragma once

#include <algorithm>
#include <limits>

#include "compiled_model.hpp"
#include "normalise.hpp"
#include "paragraph.hpp"

namespace policy_themes {

constexpr int32_t longest_hmm_run = 100;
constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

constexpr uint32_t root = 0;
constexpr int32_t places_ahead = 12;

// The child of `node` by the character `id`, or the root: no node has the character 0.
inline uint32_t child(const CompiledModel& model, uint32_t node, uint16_t id) {
    const Node& parent = model.nodes[node];
    if (!parent.may_have_child(id)) return root;
    const uint32_t candidate = parent.child_base() + id;
    return model.nodes[candidate].parent == node ? candidate : root;
}

// The node that `ids[start ... end)` leads to, or the root.
inline uint32_t find_node(const CompiledModel& model, const uint16_t* ids, int32_t start, int32_t end) {
    uint32_t node = ids[start];
    if (node == root || model.nodes[node].parent != root) return root;
    for (int32_t i = start + 1; i < end && node; ++i) node = child(model, node, ids[i]);
    return node;
}

// The best route through each block, from its end to its beginning; of equally good words the longest. All terms that stand anywhere.
//
// Text is as hard to foretell for the processor's branches as for anyone: words of one and two characters, most of all, are weighed
// without a branch, and what is needed of memory is asked for some places ahead.
inline void find_route(const CompiledModel& model, Paragraph& paragraph) {
    const int32_t length = paragraph.length;
    paragraph.best.reserve(length + 2), paragraph.next.reserve(length), paragraph.node.reserve(length);
    paragraph.second.reserve(length);
    paragraph.candidates.clear();
    const uint16_t* ids = paragraph.ids.get();
    const uint8_t* kinds = paragraph.kinds.get();
    double* best = paragraph.best.get();
    int32_t* next = paragraph.next.get();
    uint32_t* chosen = paragraph.node.get();
    uint32_t* second = paragraph.second.get();
    const Node* nodes = model.nodes.data;
    const double* weights = model.weights.data;
    // Where the node of the two characters at `start` must be, if there is one; else the root.
    const auto look_ahead = [&](int32_t start) {
        const uint32_t mask = -static_cast<uint32_t>(model.may_begin_with(ids[start], ids[start + 1]));
        second[start] = (nodes[ids[start]].child_base() + ids[start + 1]) & mask;
        __builtin_prefetch(&nodes[second[start]]);
    };
    for (int32_t start = length - 1; start >= std::max(0, length - places_ahead); --start) look_ahead(start);
    int32_t block_end = length;
    best[length] = best[length + 1] = 0;
    for (int32_t start = length - 1; start >= 0; --start) {
        if (start >= places_ahead) look_ahead(start - places_ahead);
        const bool inside = in_block(kinds[start]);
        block_end = inside ? block_end : start;
        const uint32_t first = ids[start];
        const bool has_number = first != root;  // the dictionary has the character
        const bool is_known = inside & has_number & (nodes[first].parent == root);
        double value = (is_known ? weights[nodes[first].weight] : minus_infinity) + best[start + 1];
        int32_t end = start + 1;
        uint32_t node = second[start], word_node = first;
        const bool is_pair = has_number & (nodes[node].parent == first);
        const bool is_word = is_pair & (start + 2 <= block_end);
        const double sum = (is_word ? weights[nodes[node].weight] : minus_infinity) + best[start + 2];
        const bool is_better = sum >= value;
        value = is_better ? sum : value, end = is_better ? start + 2 : end, word_node = is_better ? node : word_node;
        if (is_pair & (nodes[node].ends_term() | nodes[node].may_have_child(ids[start + 2]))) {
            int32_t reached = start + 2;
            do {
                if (reached <= block_end) {
                    const double longer = weights[nodes[node].weight] + best[reached];
                    if (longer >= value) value = longer, end = reached, word_node = node;
                }
                if (nodes[node].ends_term()) paragraph.candidates.push_back({start, reached, node});
                node = child(model, node, ids[reached]);
                ++reached;
            } while (node != root);
        }
        if (value == minus_infinity) value = model.unknown_weight + best[start + 1], end = start + 1;
        best[start] = inside ? value : 0;
        next[start] = end, chosen[start] = word_node;
    }
}

// Cut `ids[start ... end)`, characters that jieba's model knows, by the most probable states of the hidden Markov model.
template <class Sink>
void cut_by_hmm(const CompiledModel& model, const uint16_t* ids, int32_t start, int32_t end, Sink& sink) {
    enum State { B, E, M, S };
    const int32_t length = end - start;
    if (length == 1) {  // S and E both end a word
        sink.single(start);
        return;
    }
    uint8_t previous[longest_hmm_run][4];
    const double* hmm = model.hmm.data;
    const double from_e_to_b = hmm[4], from_s_to_b = hmm[5], from_b_to_e = hmm[6], from_m_to_e = hmm[7];
    const double from_m_to_m = hmm[8], from_b_to_m = hmm[9], from_s_to_s = hmm[10], from_e_to_s = hmm[11];
    const double* emission = model.emissions.data + 4 * ids[start];
    double b = hmm[B] + emission[B], e = hmm[E] + emission[E], m = hmm[M] + emission[M], s = hmm[S] + emission[S];
    for (int32_t i = 1; i < length; ++i) {
        emission = model.emissions.data + 4 * ids[start + i];
        // Sums in jieba's order; of equals the state with the later letter.
        const double eb = e + from_e_to_b + emission[B], sb = s + from_s_to_b + emission[B];
        const double be = b + from_b_to_e + emission[E], me = m + from_m_to_e + emission[E];
        const double mm = m + from_m_to_m + emission[M], bm = b + from_b_to_m + emission[M];
        const double ss = s + from_s_to_s + emission[S], es = e + from_e_to_s + emission[S];
        previous[i][B] = sb >= eb ? S : E, b = sb >= eb ? sb : eb;
        previous[i][E] = me >= be ? M : B, e = me >= be ? me : be;
        previous[i][M] = mm >= bm ? M : B, m = mm >= bm ? mm : bm;
        previous[i][S] = ss >= es ? S : E, s = ss >= es ? ss : es;
    }
    uint8_t states[longest_hmm_run];
    states[length - 1] = s >= e ? S : E;
    for (int32_t i = length - 1; i > 0; --i) states[i - 1] = previous[i][states[i]];
    int32_t begin = 0, rest = 0;
    for (int32_t i = 0; i < length; ++i) {
        if (states[i] == B) {
            begin = i;
        } else if (states[i] == E) {
            sink.made(start + begin, start + i + 1);
            rest = i + 1;
        } else if (states[i] == S) {
            sink.single(start + i);
            rest = i + 1;
        }
    }
    if (rest < length) sink.made(start + rest, end);
}

// Cut what is not Han, jieba's [a-zA-Z0-9]+(?:\.\d+)?%? and whatever stands between.
template <class Sink>
void cut_alphabetic(const uint8_t* kinds, int32_t start, int32_t end, Sink& sink) {
    const auto is_alphanumeric = [&](int32_t i) { return kinds[i] == letter || kinds[i] == digit; };
    while (start < end) {
        int32_t stop = start;
        if (is_alphanumeric(start)) {
            while (stop < end && is_alphanumeric(stop)) ++stop;
            if (stop + 1 < end && kinds[stop] == dot && kinds[stop + 1] == digit) {
                ++stop;
                while (stop < end && kinds[stop] == digit) ++stop;
            }
            if (stop < end && kinds[stop] == percent) ++stop;
        } else {
            while (stop < end && !is_alphanumeric(stop)) ++stop;
        }
        sink.made(start, stop);
        start = stop;
    }
}

// Look again at characters that the route left single.
template <class Sink>
void recognise(const CompiledModel& model, const Paragraph& paragraph, int32_t start, int32_t end, Sink& sink) {
    const uint16_t* ids = paragraph.ids.get();
    const uint8_t* kinds = paragraph.kinds.get();
    const int32_t length = end - start;
    bool leave = length <= 1 || length > longest_hmm_run;
    if (!leave) {
        const uint32_t node = find_node(model, ids, start, end);
        leave = node != root && model.weights[model.nodes[node].weight] != minus_infinity;
    }
    if (leave) {
        for (int32_t i = start; i < end; ++i) sink.single(i);
        return;
    }
    while (start < end) {
        const bool by_hmm = kinds[start] == han;
        int32_t stop = start + 1;
        while (stop < end && (kinds[stop] == han) == by_hmm) ++stop;
        if (by_hmm) {
            cut_by_hmm(model, ids, start, stop, sink);
        } else {
            cut_alphabetic(kinds, start, stop, sink);
        }
        start = stop;
    }
}

// Words in order, after `find_route`. The sink takes `word(start, end, node)` of the dictionary, `single(place)` and
// `made(start, end)`, a word that need not be in the dictionary.
template <class Sink>
void segment(const CompiledModel& model, const Paragraph& paragraph, Sink& sink) {
    const uint8_t* kinds = paragraph.kinds.get();
    const int32_t* next = paragraph.next.get();
    const int32_t length = paragraph.length;
    int32_t run_start = 0, position = 0;
    while (position < length) {
        if (!in_block(kinds[position])) {
            if (run_start < position) recognise(model, paragraph, run_start, position, sink);
            if (kinds[position] == carriage_return && kinds[position + 1] == line_feed) {
                sink.made(position, position + 2);
                position += 2;
            } else {
                sink.single(position);
                ++position;
            }
            run_start = position;
            continue;
        }
        const int32_t end = next[position];
        if (end - position > 1) {
            if (run_start < position) recognise(model, paragraph, run_start, position, sink);
            sink.word(position, end, paragraph.node[position]);
            run_start = end;
        }
        position = end;
    }
    if (run_start < position) recognise(model, paragraph, run_start, position, sink);
}

// Spans of all words, whether they are features or not.
struct SpanSink {
    std::vector<Span>& spans;
    void word(int32_t start, int32_t end, uint32_t) { spans.push_back({start, end}); }
    void single(int32_t place) { spans.push_back({place, place + 1}); }
    void made(int32_t start, int32_t end) { spans.push_back({start, end}); }
};

}  // namespace policy_themes
