#include <algorithm>
#include <optional>

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"
#include "data/labelled_files.h"

namespace sooner {
namespace {

namespace fs = std::filesystem;

// What cannot be looked at is neither.
bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}
bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}
bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::vector<fs::path> sub_folders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (is_folder(entry->path()) && !is_hidden(entry->path())) found.push_back(entry->path());
  }
  if (error) fail_io("folder", "listing", folder, error.value());
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> images_below(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (is_file(entry->path()) && has_image_name(entry->path())) {
      found.push_back(entry->path());
    }
  }
  if (error) fail_io("folder", "listing", folder, error.value());
  std::sort(found.begin(), found.end());
  return found;
}

void add_class(const fs::path& root, const fs::path& folder, size_t label, std::vector<LabelledFile>& files) {
  for (const fs::path& path : images_below(folder)) {
    files.push_back({path, path.lexically_relative(root).generic_string(), static_cast<int32_t>(label)});
  }
}

std::optional<fs::path> first_folder(const fs::path& root, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (is_folder(root / name)) return root / name;
  }
  return std::nullopt;
}

}  // namespace

LabelledFiles list_image_folder(const fs::path& folder) {
  if (!is_folder(folder)) {
    fail(Code::kNotFound,
         "[folder] '{}' is not a folder, expected one with a sub-folder for each class; check the path",
         folder.string());
  }
  fs::path train = folder;
  std::optional<fs::path> test = first_folder(folder, {"test", "val", "valid", "validation"});
  if (is_folder(folder / "train") && (test || sub_folders(folder).size() == 1)) {
    train = folder / "train";
  } else {
    test.reset();  // a class that happens to be called so
  }

  LabelledFiles files;
  for (const fs::path& of_class : sub_folders(train)) {
    const size_t before = files.train.size();
    add_class(folder, of_class, files.class_names.size(), files.train);
    files.class_names.push_back(of_class.filename().string());
    if (files.train.size() == before) {
      fail(Code::kNotFound,
           "[folder] '{}' holds no image (.jpg, .jpeg, .png), expected at least one; add some or remove it",
           of_class.string());
    }
  }
  if (files.class_names.size() < 2) {
    fail(Code::kNotFound, "[folder] '{}' holds {} class folders, expected 2 or more, one for each class",
         train.string(), files.class_names.size());
  }
  if (!test) return files;
  for (const fs::path& of_class : sub_folders(*test)) {
    const std::string name = of_class.filename().string();
    const auto known = std::find(files.class_names.begin(), files.class_names.end(), name);
    if (known == files.class_names.end()) {
      fail(Code::kDataLoss, "[folder] '{}' is no class of '{}': {}; rename or remove it", of_class.string(),
           train.string(), suggest(name, files.class_names));
    }
    add_class(folder, of_class, static_cast<size_t>(known - files.class_names.begin()), files.test);
  }
  if (files.test.empty()) {
    fail(Code::kNotFound,
         "[folder] '{}' holds no image (.jpg, .jpeg, .png), expected the test images; fill or remove it",
         test->string());
  }
  return files;
}

}  // namespace sooner
