#include "run/checkpoint.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "core/file.h"
#include "format/safetensors.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::HasSubstr;

TEST(Checkpoint, RoundTripsEverything) {
  const TempFolder folder;
  const std::vector<float> numbers{1.5F, -2.25F};
  Checkpoint saved;
  saved.position = {3, 17, 2405, {0.1 + 0.2, 5}, 0.987654321, 2, {1.0 / 3, 4e17}};
  saved.identity = {"0123456789abcdef", "fedcba9876543210", "cpu, 2 threads, fp32"};
  saved.model["w"] = Tensor::from_floats({2}, numbers);
  saved.momentum["w"] = Tensor::from_floats({1, 2}, numbers);
  save_checkpoint(saved, folder / "c.safetensors");
  const Checkpoint loaded = load_checkpoint(folder / "c.safetensors");
  EXPECT_EQ(loaded.position.epoch, 3);
  EXPECT_EQ(loaded.position.batch, 17);
  EXPECT_EQ(loaded.position.step, 2405);
  EXPECT_EQ(loaded.position.regime, (std::vector<double>{0.1 + 0.2, 5}));
  EXPECT_EQ(loaded.position.best_score, 0.987654321);
  EXPECT_EQ(loaded.position.best_epoch, 2);
  EXPECT_EQ(loaded.position.meter_sums, saved.position.meter_sums);
  EXPECT_EQ(loaded.identity.compute_mode, "cpu, 2 threads, fp32");
  EXPECT_TRUE(std::ranges::equal(loaded.model.at("w").floats(), numbers));
  EXPECT_EQ(loaded.momentum.at("w").shape(), (Shape{1, 2}));
}

TEST(Checkpoint, ForeignAndBrokenFilesAreDataLoss) {
  const TempFolder folder;
  const auto write = [&](const std::map<std::string, std::string>& metadata) {
    const std::vector<std::byte> bytes = serialize_safetensors({{}, metadata, {}});
    write_file_atomically(folder / "c", [&](FileSink& sink) { sink.write(std::span<const std::byte>(bytes)); });
    return error_of([&] { load_checkpoint(folder / "c"); });
  };
  EXPECT_EQ(error_of([&] { load_checkpoint(folder / "none"); }).code(), Code::kNotFound);
  EXPECT_THAT(write({}).what(), HasSubstr("is not a checkpoint"));
  for (const char* state : {"", "{", "[]", "{\"version\":1}", "{\"version\":2}", "{\"version\":2,\"epoch\":\"one\"}"}) {
    const Error error = write({{"sooner.training_state", state}});
    EXPECT_EQ(error.code(), Code::kDataLoss) << state;
    EXPECT_THAT(error.what(), HasSubstr("broken training state")) << state;
  }
}

}  // namespace
}  // namespace sooner
