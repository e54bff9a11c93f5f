#include "runtime/session_group.h"

#include <algorithm>
#include <atomic>

#include "core/error.h"

namespace sooner {
namespace {

// Blocks each thread gets on average: more even out samples that take long, fewer leave fewer half-filled batches at
// the ends of blocks.
constexpr int64_t kBlocksPerThread = 8;
constexpr int64_t kSmallestBlock = 32;
constexpr int64_t kLargestBlock = 1024;

}  // namespace

SessionGroup::SessionGroup(const std::shared_ptr<const Model>& model, const std::shared_ptr<const ExitPolicy>& policy,
                           int32_t threads, const SessionOptions& options)
    : model_(model), crew_(std::max(1, threads)) {
  if (threads < 1) fail(Code::kInvalidArgument, "[SessionGroup] got {} threads, expected 1 or more", threads);
  for (int32_t member = 0; member < threads; ++member) {
    sessions_.push_back(std::make_unique<Session>(model, policy, options));
  }
}

std::span<const Result> SessionGroup::run(std::span<const float> input, int64_t n) {
  const Graph& graph = model_->graph();
  const auto image = element_count(graph.input_shape);
  if (n < 0 || input.size() != static_cast<size_t>(n * image)) {
    fail(Code::kInvalidArgument, "[SessionGroup::run] input holds {} floats, expected n*C*H*W = {}*{}", input.size(), n,
         image);
  }
  results_.resize(static_cast<size_t>(n));
  logits_.resize(static_cast<size_t>(n * graph.classes));
  const int64_t block = std::clamp(n / (kBlocksPerThread * threads()), kSmallestBlock, kLargestBlock);
  std::atomic<int64_t> next = 0;
  const auto work = [&](int32_t member) {
    Session& session = *sessions_[static_cast<size_t>(member)];
    for (int64_t first = next.fetch_add(block); first < n; first = next.fetch_add(block)) {
      const int64_t count = std::min(block, n - first);
      const auto part = input.subspan(static_cast<size_t>(first * image), static_cast<size_t>(count * image));
      std::ranges::copy(session.run(part, count), results_.begin() + first);
      std::ranges::copy(session.logits(), logits_.begin() + first * graph.classes);
    }
  };
  // One block is not worth waking anybody for.
  if (n <= block) {
    work(0);
  } else {
    crew_.run(work);
  }
  return results_;
}

}  // namespace sooner
