#include "runtime/thread_layout.h"

#include <gmock/gmock.h>

#include "core/file.h"
#include "runtime/session_group.h"
#include "support/random_weights.h"
#include "support/temp_folder.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

std::shared_ptr<const Model> small_model() {
  ModelFile file;
  file.manifest.graph = build_network({"b-lenet", "names:conv1", "gap-fc", "both"}, {1, 9, 9}, 4);
  file.tensors = test::random_weights(file.manifest.graph, 1);
  return Model::from_file(file, {.backend = "ref", .batch_max = 8});
}

TEST(ThreadLayout, OfOneThreadOrOneSampleNeedsNoMeasurement) {
  EXPECT_EQ(measure_thread_layout(small_model(), 1, 64), ThreadLayout::kSessions);
  EXPECT_EQ(measure_thread_layout(small_model(), 4, 1), ThreadLayout::kSessions);
}

TEST(ThreadLayout, IsMeasuredOncePerThreadsAndPowerOfTwo) {
  const TempFolder folder;
  const auto model = small_model();
  const auto files = [&] {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "cache")) found.push_back(entry.path());
    return found;
  };
  static_cast<void>(thread_layout(model, 2, 9, folder / "cache"));
  ASSERT_EQ(files().size(), 1U);
  for (const auto& [text, layout] : {std::pair{"1\n", ThreadLayout::kSessions}, {"2\n", ThreadLayout::kStages}}) {
    write_file_atomically(files()[0], text);
    EXPECT_EQ(thread_layout(model, 2, 16, folder / "cache"), layout);
  }
  static_cast<void>(thread_layout(model, 3, 16, folder / "cache"));
  static_cast<void>(thread_layout(model, 2, 17, folder / "cache"));
  EXPECT_EQ(files().size(), 3U);
}

TEST(ThreadLayout, ChangesNoAnswer) {
  const auto model = small_model();
  const std::shared_ptr<const ExitPolicy> policy =
      make_policy({.name = "max-prob", .thresholds = Threshold::scores({0.3})}, {.exits = 2, .classes = 4});
  constexpr int64_t kSamples = 37;
  const std::vector<float> images = test::random_images(model->graph(), kSamples, 3);
  SessionGroup one(model, policy, 1);
  const std::span<const Result> want = one.run(images, kSamples);
  for (const ThreadLayout layout : {ThreadLayout::kSessions, ThreadLayout::kStages}) {
    SessionGroup group(model, policy, 3, {}, layout);
    for (const int64_t n : {kSamples, int64_t{1}, int64_t{2}, int64_t{3}, int64_t{0}}) {
      const std::span<const Result> got = group.run(std::span(images).first(static_cast<size_t>(n) * 81), n);
      ASSERT_EQ(got.size(), static_cast<size_t>(n));
      for (size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].label, want[i].label);
        EXPECT_EQ(got[i].exit_index, want[i].exit_index);
        EXPECT_EQ(got[i].score, want[i].score);
      }
      EXPECT_TRUE(std::ranges::equal(group.logits(), one.logits().first(static_cast<size_t>(n) * 4)));
    }
  }
}

}  // namespace
}  // namespace sooner
