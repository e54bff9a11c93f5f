// Profiles of one model as a JSON file, for planners and programs: any number, one for each key. docs/profile.md lists
// the members.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"

namespace sooner {

struct ProfileFile {
  std::string model_hash;
  std::string network;
  std::vector<double> exit_fraction;  // [K], C_k: MACs of answering at exit k over the plain network's
  std::vector<Profile> profiles;      // no two of one key
};

// Of `model`, without profiles.
ProfileFile profiles_of(const Model& model);

// In the place of that of the same key, or behind the others.
void keep_profile(Profile profile, ProfileFile& file);
// Null where there is none.
const Profile* find_profile(const ProfileFile& file, const ProfileKey& key);

std::string profiles_to_json(const ProfileFile& file);
// `place` names the text in messages. Throws kDataLoss, naming the member, for what is no profile file, and for one of
// a version that is not known here.
ProfileFile profiles_from_json(std::string_view text, const std::string& place);

// Atomic (core/file.h).
void write_profiles(const ProfileFile& file, const std::filesystem::path& path);
// Throws what read_text and profiles_from_json throw.
ProfileFile read_profiles(const std::filesystem::path& path);

}  // namespace sooner
