#include "runtime/session_group.h"

#include <algorithm>
#include <atomic>

#include "core/error.h"
#include "runtime/crew.h"

namespace sooner {
namespace {

// Blocks each thread gets on average: more even out samples that take long, fewer leave fewer half-filled batches at
// the ends of blocks.
constexpr int64_t kBlocksPerThread = 8;
constexpr int64_t kLargestBlock = 1024;
// Blocks are no smaller where every thread gets one of this size.
constexpr int64_t kUsualBlock = 32;

int64_t block_of(int64_t n, int64_t threads) {
  const int64_t smallest = std::clamp<int64_t>(n / threads, 1, kUsualBlock);
  return std::clamp(n / (kBlocksPerThread * threads), smallest, kLargestBlock);
}

}  // namespace

std::string_view to_string(ThreadLayout layout) { return layout == ThreadLayout::kSessions ? "sessions" : "stages"; }

SessionGroup::SessionGroup(const std::shared_ptr<const Model>& model, const std::shared_ptr<const ExitPolicy>& policy,
                           int32_t threads, const SessionOptions& options, ThreadLayout layout)
    : model_(model) {
  if (threads < 1) fail(Code::kInvalidArgument, "[SessionGroup] got {} threads, expected 1 or more", threads);
  SessionOptions own = options;
  const bool shared = layout == ThreadLayout::kStages;
  own.threads = shared ? threads : 1;
  for (int32_t member = 0; member < (shared ? 1 : threads); ++member) {
    sessions_.push_back(std::make_unique<Session>(model, policy, own));
  }
  if (sessions_.size() > 1) crew_ = std::make_unique<Crew>(threads);
}

SessionGroup::~SessionGroup() = default;
SessionGroup::SessionGroup(SessionGroup&&) noexcept = default;
SessionGroup& SessionGroup::operator=(SessionGroup&&) noexcept = default;

std::span<const Result> SessionGroup::run(std::span<const float> input, int64_t n) {
  const auto threads = static_cast<int64_t>(sessions_.size());
  if (n < threads || threads == 1) {
    const std::span<const Result> results = sessions_[0]->run(input, n);
    logits_ = sessions_[0]->logits();
    return results;
  }
  const Graph& graph = model_->graph();
  const auto image = element_count(graph.input_shape);
  if (input.size() != static_cast<size_t>(n * image)) {
    fail(Code::kInvalidArgument, "[SessionGroup::run] input holds {} floats, expected n*C*H*W = {}*{}", input.size(), n,
         image);
  }
  results_.resize(static_cast<size_t>(n));
  logits_own_.resize(static_cast<size_t>(n * graph.classes));
  logits_ = logits_own_;
  const int64_t block = block_of(n, threads);
  std::atomic<int64_t> next = 0;
  crew_->run([&](int32_t member) {
    Session& session = *sessions_[static_cast<size_t>(member)];
    for (int64_t first = next.fetch_add(block); first < n; first = next.fetch_add(block)) {
      const int64_t count = std::min(block, n - first);
      const auto part = input.subspan(static_cast<size_t>(first * image), static_cast<size_t>(count * image));
      std::ranges::copy(session.run(part, count), results_.begin() + first);
      std::ranges::copy(session.logits(), logits_own_.begin() + first * graph.classes);
    }
  });
  return results_;
}

}  // namespace sooner
