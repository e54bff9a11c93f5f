#include "format/model_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/tiny_model.h"
#include "support/message_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using ::testing::HasSubstr;

TEST(ModelUpdate, WritesOverWhatItReadAndAgainOverWhatItWrote) {
  const TempFolder folder;
  save_model(tiny_model(), folder / "m.safetensors");
  ModelUpdate update(folder / "m.safetensors");
  update.file().manifest.policy = {.name = "always"};
  update.save();
  EXPECT_EQ(load_model(folder / "m.safetensors").manifest.policy.name, "always");
  update.file().manifest.policy = {.name = "never"};
  update.save(folder / "m.safetensors");
  EXPECT_EQ(load_model(folder / "m.safetensors").manifest.policy.name, "never");
}

TEST(ModelUpdate, LosesNothingThatAnotherProgramWroteMeanwhile) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "m.safetensors", link = folder / "link.safetensors";
  save_model(tiny_model(), path);
  std::filesystem::create_symlink(path, link);
  ModelUpdate first(path);
  ModelUpdate second(path);
  second.file().manifest.policy = {.name = "always"};
  second.save();
  for (const std::filesystem::path& target : {path, link}) {
    EXPECT_THAT(message_of(Code::kFailedPrecondition, [&] { first.save(target); }),
                HasSubstr("was written by another program since it was read"));
  }
  EXPECT_EQ(load_model(path).manifest.policy.name, "always");
  first.save(folder / "other.safetensors");
  EXPECT_EQ(load_model(folder / "other.safetensors").manifest.policy, tiny_model().manifest.policy);
}

}  // namespace
}  // namespace sooner
