#include "runtime/thread_layout.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "core/clock.h"
#include "core/rng.h"
#include "policy/exit_policy.h"
#include "runtime/machine_cache.h"

namespace sooner {
namespace {

// Each way is tried so often and so long, in turns.
constexpr int kRounds = 5;
constexpr double kSeconds = 0.1;
// More samples at once tell nothing new.
constexpr int64_t kMostSamples = 4096;

// Needs every exit's answer and leaves at none.
std::unique_ptr<const ExitPolicy> nobody_leaves(const Manifest& manifest) {
  PolicySpec spec;
  if (manifest.graph.exits() > 1) {
    spec.name = "max-prob";
    // Short of infinite, where the head would be skipped.
    spec.thresholds.assign(manifest.graph.exits() - 1, Threshold::score(std::numeric_limits<double>::max()));
  }
  return make_policy(spec, policy_context(manifest));
}

}  // namespace

ThreadLayout measure_thread_layout(const std::shared_ptr<const Model>& model, int32_t threads, int64_t samples) {
  samples = std::min(samples, kMostSamples);
  // With one row there is nothing to share.
  if (threads == 1 || samples <= 1) return ThreadLayout::kSessions;
  const std::shared_ptr<const ExitPolicy> policy = nobody_leaves(model->manifest());
  std::vector<float> images(static_cast<size_t>(samples * element_count(model->graph().input_shape)));
  Rng rng(0x7eadU);
  for (float& pixel : images) pixel = static_cast<float>(rng.normal());
  struct Way {
    SessionGroup group;
    double shortest = std::numeric_limits<double>::infinity();
  };
  std::vector<std::unique_ptr<Way>> ways;
  for (const ThreadLayout layout : {ThreadLayout::kSessions, ThreadLayout::kStages}) {
    ways.push_back(std::make_unique<Way>(Way{SessionGroup(model, policy, threads, {}, layout)}));
    ways.back()->group.run(images, samples);
  }
  double all = 0;
  for (int round = 0; round < kRounds || all < kSeconds; ++round) {
    for (const auto& way : ways) {
      const Stopwatch watch;
      way->group.run(images, samples);
      const double took = watch.seconds();
      way->shortest = std::min(way->shortest, took);
      all += took;
    }
  }
  return ways[0]->shortest <= ways[1]->shortest ? ThreadLayout::kSessions : ThreadLayout::kStages;
}

ThreadLayout thread_layout(const std::shared_ptr<const Model>& model, int32_t threads, int64_t samples,
                           const std::filesystem::path& folder) {
  const auto rounded =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::clamp<int64_t>(samples, 1, kMostSamples))));
  const std::string name = fmt::format("thread-layout-{}-{}", threads, rounded);
  const std::vector<int32_t> number = measured_once(folder, name, *model, 1, 2, [&] {
    return std::vector<int32_t>{1 + static_cast<int32_t>(measure_thread_layout(model, threads, rounded))};
  });
  return static_cast<ThreadLayout>(number[0] - 1);
}

}  // namespace sooner
