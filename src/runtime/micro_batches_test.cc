#include "runtime/micro_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/file.h"
#include "runtime/session.h"
#include "support/fake_clock.h"
#include "support/random_weights.h"
#include "support/temp_folder.h"
#include "support/timed_backend.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

std::shared_ptr<const Model> small_model(int32_t batch_max) {
  ModelFile file;
  file.manifest.graph = build_network({"b-lenet", "names:conv1", "gap-fc", "both"}, {1, 9, 9}, 4);
  file.tensors = test::random_weights(file.manifest.graph, 1);
  return Model::from_file(file, {.backend = "ref", .batch_max = batch_max});
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  return files;
}

TEST(MicroBatches, AreOnePerStageWithinTheModelsLimit) {
  for (const int32_t batch_max : {1, 5, 16}) {
    const auto model = small_model(batch_max);
    const std::vector<int32_t> rows = measure_micro_batches(*model);
    EXPECT_EQ(rows.size(), 2U);
    EXPECT_THAT(rows, testing::Each(testing::AllOf(testing::Ge(1), testing::Le(batch_max))));
    const Session session(model, {.micro_batches = rows});
  }
}

TEST(MicroBatches, AreTheFewestRowsThatAreNearlyAsFastAsAny) {
  ModelFile file;
  file.manifest.graph = build_network({"b-lenet", "names:conv1", "gap-fc", "both"}, {1, 9, 9}, 4);
  file.tensors = test::random_weights(file.manifest.graph, 1);
  test::FakeClock clock;
  // A row takes as long in company as alone in stage 0, but for a hundredth; in stage 1 a call costs as much as a row,
  // and rows beyond four are slow.
  const test::TimedBackend backend(clock, [](size_t stage, int32_t rows) {
    if (stage == 0) return 1.01 - 0.01 * (rows > 1) + (rows - 1);
    return 1.0 + rows + std::max(0, rows - 4);
  });
  const auto model = Model::compile(file, backend, {.backend = "ref", .batch_max = 16});
  EXPECT_THAT(measure_micro_batches(*model, clock), testing::ElementsAre(1, 4));
}

TEST(MicroBatches, AreMeasuredOncePerModelAndBatch) {
  const TempFolder folder;
  const auto model = small_model(8);
  const std::vector<int32_t> rows = micro_batches(*model, folder / "cache");
  ASSERT_EQ(files_in(folder / "cache").size(), 1U);
  const std::filesystem::path file = files_in(folder / "cache")[0];
  write_file_atomically(file, "3 7\n");
  EXPECT_THAT(micro_batches(*model, folder / "cache"), testing::ElementsAre(3, 7));
  write_file_atomically(file, "1 8");  // the least and the most there may be
  EXPECT_THAT(micro_batches(*model, folder / "cache"), testing::ElementsAre(1, 8));
  static_cast<void>(micro_batches(*small_model(4), folder / "cache"));
  EXPECT_EQ(files_in(folder / "cache").size(), 2U);
}

TEST(MicroBatches, AFileThatMakesNoSenseIsMeasuredAgain) {
  const TempFolder folder;
  const auto model = small_model(8);
  static_cast<void>(micro_batches(*model, folder / "cache"));
  const std::filesystem::path file = files_in(folder / "cache")[0];
  for (const char* text : {"", "3", "3 7 1", "3 x", "3 9", "0 1", "3 7 and more"}) {
    write_file_atomically(file, text);
    EXPECT_EQ(micro_batches(*model, folder / "cache").size(), 2U) << text;
    EXPECT_NE(read_text(file), text);
  }
}

TEST(MicroBatches, AFolderThatCannotBeMadeIsPassedOver) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "x");
  EXPECT_EQ(micro_batches(*small_model(2), folder / "file").size(), 2U);
}

}  // namespace
}  // namespace sooner
