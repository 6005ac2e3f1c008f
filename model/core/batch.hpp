// A batch of texts, judged by several threads at once; whoever asked for it can use the first results while the last are made.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "judge.hpp"

namespace policy_themes {

// A text as Python keeps it: code points of 1, 2 or 4 bytes.
struct Text {
    const void* data;
    size_t size;
    int width;
};

inline bool normalise(const CompiledModel& model, const Text& text, Paragraph& paragraph) {
    if (text.width == 1) return normalise(model, static_cast<const uint8_t*>(text.data), text.size, paragraph);
    if (text.width == 2) return normalise(model, static_cast<const uint16_t*>(text.data), text.size, paragraph);
    return normalise(model, static_cast<const uint32_t*>(text.data), text.size, paragraph);
}

// Judges at rest, so that a call finds memory ready.
class JudgePool {
public:
    explicit JudgePool(const CompiledModel& model) : model_(model) {}

    std::unique_ptr<Judge> take() {
        const std::lock_guard<std::mutex> guard(mutex_);
        if (judges_.empty()) return std::make_unique<Judge>(model_);
        std::unique_ptr<Judge> judge = std::move(judges_.back());
        judges_.pop_back();
        return judge;
    }
    void give_back(std::unique_ptr<Judge> judge) {
        if (judge->paragraph.is_large()) return;
        const std::lock_guard<std::mutex> guard(mutex_);
        if (judges_.size() < most_kept) judges_.push_back(std::move(judge));
    }

private:
    static constexpr size_t most_kept = 64;
    const CompiledModel& model_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Judge>> judges_;
};

class Batch {
public:
    static constexpr size_t chunk_texts = 64;

    Batch(const CompiledModel& model, JudgePool& pool, const std::vector<Text>& texts, bool with_evidence)
        : model_(model), pool_(pool), texts_(texts), with_evidence_(with_evidence),
          chunks_((texts.size() + chunk_texts - 1) / chunk_texts), done_(chunks_.size()) {}

    ~Batch() {
        next_ = chunks_.size();
        for (std::thread& thread : threads_) thread.join();
    }

    size_t size() const { return chunks_.size(); }

    // Set `threads` to work beside the caller's. Where the system gives fewer, those must do.
    void start(size_t threads) {
        try {
            while (threads_.size() < std::min(threads, chunks_.size())) threads_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {
        }
    }

    bool is_done(size_t chunk) const { return done_[chunk].flag.load(std::memory_order_acquire); }

    // Work on the next chunk that nobody has begun; false where there is none.
    bool work_on_next(Judge& judge) {
        const size_t chunk = next_++;
        if (chunk >= chunks_.size()) return false;
        try {
            Judgements& out = chunks_[chunk];
            const size_t last = std::min(texts_.size(), (chunk + 1) * chunk_texts);
            for (size_t i = chunk * chunk_texts; i < last; ++i) {
                if (normalise(model_, texts_[i], judge.paragraph)) {
                    judge.judge(with_evidence_, out);
                } else {
                    out.judgements.emplace_back().needs_python = true;
                    out.probabilities.resize(out.probabilities.size() + model_.themes);
                }
            }
        } catch (const std::bad_alloc&) {
            failed_ = true;
        }
        {
            const std::lock_guard<std::mutex> guard(mutex_);
            done_[chunk].flag.store(true, std::memory_order_release);
        }
        progress_.notify_all();
        return true;
    }

    void wait_for(size_t chunk) {
        std::unique_lock<std::mutex> guard(mutex_);
        progress_.wait(guard, [&] { return is_done(chunk); });
    }

    bool failed() const { return failed_; }  // for want of memory
    Judgements& result(size_t chunk) { return chunks_[chunk]; }

private:
    struct Done {
        std::atomic<bool> flag{false};
    };

    void work() {
        try {
            std::unique_ptr<Judge> judge = pool_.take();
            while (work_on_next(*judge)) {
            }
            pool_.give_back(std::move(judge));
        } catch (const std::bad_alloc&) {
            // The caller's thread does what is left.
        }
    }

    const CompiledModel& model_;
    JudgePool& pool_;
    const std::vector<Text>& texts_;
    const bool with_evidence_;
    std::vector<Judgements> chunks_;
    std::vector<Done> done_;
    std::atomic<size_t> next_{0};
    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    std::condition_variable progress_;
    std::vector<std::thread> threads_;
};

}  // namespace policy_themes
