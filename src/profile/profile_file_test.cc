#include "profile/profile_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/file.h"
#include "support/message_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Two stages: a convolution and its head, then another.
Profile some_profile(int32_t batch) {
  Profile profile;
  profile.key = {.batch = batch, .precision = "int8", .threads = 1, .backend = "onednn", .instruction_set = "avx512"};
  profile.cpu = "a processor";
  profile.cpu_features = "avx2 avx512";
  profile.peak_macs_per_us = 50000;
  StageProfile first{
      .steps = {{"conv1", "conv2d", false, 1.5, 3000, 640.5, 0.04}, {"fc", "linear", true, 0.5, 30, 16, 0.001}},
      .trunk_us = 1.5,
      .head_us = 0.5,
      .carry_bytes = 512};
  StageProfile second{.steps = {{"conv2", "conv2d", false, 2, 4000, 640, 0.04}}, .trunk_us = 2, .head_us = 0.25};
  profile.stages = {first, second};
  return profile;
}

ProfileFile some_file() {
  ProfileFile file{
      .model_hash = "0123456789abcdef", .network = "net", .exit_fraction = {0.4375, 1.0625}, .profiles = {}};
  keep_profile(some_profile(1), file);
  keep_profile(some_profile(16), file);
  return file;
}

TEST(ProfileFile, ReadsBackAsItWasWritten) {
  const TempFolder folder;
  write_profiles(some_file(), folder / "profile.json");
  const ProfileFile read = read_profiles(folder / "profile.json");
  EXPECT_EQ(read.network, "net");
  EXPECT_THAT(read.exit_fraction, ElementsAre(0.4375, 1.0625));
  ASSERT_EQ(read.profiles.size(), 2U);
  const Profile* found = find_profile(read, some_profile(16).key);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->cpu, "a processor");
  ASSERT_EQ(found->stages.size(), 2U);
  EXPECT_EQ(found->stages[0].carry_bytes, 512);
  EXPECT_EQ(found->stages[0].steps[1].name, "fc");
  EXPECT_TRUE(found->stages[0].steps[1].head);
  EXPECT_EQ(found->stages[0].steps[0].bytes, 640.5);
  EXPECT_EQ(profiles_to_json(read), profiles_to_json(some_file()));
}

TEST(ProfileFile, KeepsOneProfileOfAKey) {
  ProfileFile file = some_file();
  Profile again = some_profile(1);
  again.peak_macs_per_us = 60000;
  keep_profile(again, file);
  ASSERT_EQ(file.profiles.size(), 2U);
  EXPECT_EQ(find_profile(file, again.key)->peak_macs_per_us, 60000);
  ProfileKey other = again.key;
  other.instruction_set = "avx2";
  EXPECT_EQ(find_profile(file, other), nullptr);
  other = again.key;
  other.threads = 2;
  EXPECT_EQ(find_profile(file, other), nullptr);
}

TEST(ProfileFile, ReadsTheSingleProfileOfVersionOne) {
  const std::string text =
      R"({"profile_version": 1, "model_hash": "h", "network": "net", "cpu": "c", "cpu_features": "f",
      "backend": "ref", "instruction_set": "portable", "precision": "fp32", "threads": 1, "batch": 4,
      "peak_macs_per_us": 9.5, "exit_fraction": [1], "stages": [{"trunk_us": 2, "head_us": 1, "carry_bytes": 0,
      "steps": [{"name": "conv1", "op": "conv2d", "head": false, "us": 2, "macs": 7, "bytes": 8, "share_of_peak": 0.5}]}]})";
  const ProfileFile file = profiles_from_json(text, "old.json");
  ASSERT_EQ(file.profiles.size(), 1U);
  EXPECT_EQ(file.profiles[0].key.batch, 4);
  EXPECT_EQ(file.profiles[0].stages[0].steps[0].macs, 7);
}

TEST(ProfileFile, RefusesWhatItDoesNotKnow) {
  const auto refused = [](const std::string& text) {
    return message_of(Code::kDataLoss, [&] { profiles_from_json(text, "p.json"); });
  };
  std::string text = profiles_to_json(some_file());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    return changed.replace(changed.find(from), from.size(), to);
  };
  EXPECT_THAT(refused(with("\"profile_version\": 2", "\"profile_version\": 3")),
              HasSubstr("[profile 'p.json'] has profile_version 3, this sooner reads 1 to 2; update sooner"));
  EXPECT_THAT(refused(with("\"profile_version\": 2", "\"profile_version\": \"2\"")),
              HasSubstr("profile_version \"2\""));
  EXPECT_THAT(refused(with("\"trunk_us\"", "\"stem_us\"")), HasSubstr("'trunk_us' not found"));
  EXPECT_THAT(refused(with("\"macs\": 3000", "\"macs\": \"many\"")), HasSubstr("is no profile file"));
  EXPECT_THAT(refused(with("\"batch\": 16", "\"batch\": 1")),
              HasSubstr("holds two profiles of batch 1, int8, 1 threads"));
  for (const char* bad : {"", "[]", "{}", "7", "{\"profile_version\": 2}"}) refused(bad);
}

TEST(ExitTimes, AddUpStagesOverThePlainNetworks) {
  // Plain: both trunks and the last head, 1.5 + 2 + 0.25 = 3.75. Exit 0: 2 / 3.75; exit 1: 4.25 / 3.75.
  EXPECT_THAT(exit_times(some_profile(1)), ElementsAre(0.5333, 1.1333));
}

}  // namespace
}  // namespace sooner
