#include "run/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/file.h"
#include "support/message_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Environment some_environment() {
  return {.sooner_version = "0.1.0",
          .libtorch_version = "2.13.0",
          .identity = {.config_hash = "c", .data_hash = "d", .compute_mode = "cpu, 2 threads, fp32", .start_hash = "s"},
          .processor = "a processor",
          .instruction_sets = "avx2",
          .processors = 2,
          .device = "a processor (avx2)",
          .loader_threads = 1,
          .data_set = "glyphs",
          .exit_cost = {0.25, 1.0625},
          .splits = {{"tune", 12, "t"}, {"guarantee", 11, "g"}}};
}

TEST(Environment, ReadsBackAsItWasWritten) {
  const TempFolder folder;
  Environment written = some_environment();
  written.result = TrainResult{.steps = 40, .images_per_second = 512.5, .waiting_share = 0.25, .best_score = 0.875};
  write_environment(written, folder / "env.json");
  const std::string text = read_text(folder / "env.json");
  const Environment read = read_environment(folder / "env.json");
  EXPECT_EQ(read.identity.start_hash, "s");
  EXPECT_EQ(read.identity.compute_mode, "cpu, 2 threads, fp32");
  EXPECT_EQ(read.processors, 2);
  EXPECT_THAT(read.exit_cost, ElementsAre(0.25, 1.0625));
  ASSERT_EQ(read.splits.size(), 2U);
  EXPECT_EQ(read.splits[1].name, "guarantee");
  EXPECT_EQ(read.splits[1].samples, 11);
  ASSERT_TRUE(read.result.has_value());
  EXPECT_EQ(read.result->steps, 40);
  EXPECT_EQ(read.result->best_score, 0.875);
  write_environment(read, folder / "again.json");
  EXPECT_EQ(read_text(folder / "again.json"), text);
}

TEST(Environment, HasNoResultWhileTheRunGoesOn) {
  const TempFolder folder;
  write_environment(some_environment(), folder / "env.json");
  EXPECT_THAT(read_text(folder / "env.json"), HasSubstr("\"finished\": false"));
  EXPECT_FALSE(read_environment(folder / "env.json").result.has_value());
}

TEST(Environment, OfAnOlderVersionLacksWhatThatDidNotWrite) {
  const TempFolder folder;
  write_file_atomically(folder / "env.json", R"({"config_hash": "c"})");
  const Environment read = read_environment(folder / "env.json");
  EXPECT_EQ(read.identity.config_hash, "c");
  EXPECT_EQ(read.identity.start_hash, "");
}

TEST(Environment, RefusesWhatIsNoneOfOurs) {
  const TempFolder folder;
  for (const char* text : {"", "[]", "{\"start_hash\": 7}", "{\"splits\": {\"tune\": 3}}"}) {
    write_file_atomically(folder / "env.json", text);
    EXPECT_THAT(message_of(Code::kDataLoss, [&] { read_environment(folder / "env.json"); }),
                HasSubstr("is no JSON of a run; name another folder"))
        << text;
  }
  EXPECT_THAT(message_of(Code::kNotFound, [&] { read_environment(folder / "none.json"); }), HasSubstr("none.json"));
}

}  // namespace
}  // namespace sooner
