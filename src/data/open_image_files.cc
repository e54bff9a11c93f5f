#include "data/open_image_files.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "data/image_files.h"
#include "data/labelled_files.h"
#include "data/pixel_statistics.h"
#include "data/stratify.h"
#include "data/subset_source.h"

namespace sooner {
namespace {

constexpr double kTestShare = 0.15;
constexpr uint64_t kTestSeed = 1;  // fixed, so that no choice of seed moves an image into the test part
constexpr int64_t kMeasured = 5000;

void add_files(Hasher& hasher, std::string_view part, const std::vector<LabelledFile>& files) {
  hasher.add(fmt::format("{} {}\n", part, files.size()));
  for (const LabelledFile& file : files) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(file.path, error);
    if (error) fail_io("data", "reading", file.path, error.value());
    hasher.add(fmt::format("{}\n{} {}\n", file.name, bytes, file.label));
  }
}

// Splits `all` into data.train and data.test.
void cut_test_part(DataSet& data, const std::shared_ptr<const ImageSource> all) {
  std::vector<int64_t> train, test;
  const auto by_class = shuffled_by_class(*all, data.classes(), kTestSeed);
  for (size_t label = 0; label < by_class.size(); ++label) {
    const auto& samples = by_class[label];
    if (samples.size() < 2) {
      fail(Code::kInvalidArgument,
           "[data] class '{}' has {} images, expected at least 2 to cut a test part from; add images or name a test "
           "part",
           data.class_names[label], samples.size());
    }
    const auto held = std::max<std::ptrdiff_t>(1, std::lround(kTestShare * static_cast<double>(samples.size())));
    test.insert(test.end(), samples.begin(), samples.begin() + held);
    train.insert(train.end(), samples.begin() + held, samples.end());
  }
  std::sort(train.begin(), train.end());
  std::sort(test.begin(), test.end());
  data.train = std::make_shared<SubsetSource>(all, std::move(train));
  data.test = std::make_shared<SubsetSource>(all, std::move(test));
}

DataSet open_files(LabelledFiles files, const Shape& image_shape) {
  DataSet data;
  data.image_shape = image_shape;
  data.class_names = std::move(files.class_names);
  Hasher hasher;
  hasher.add(fmt::format("{}\n{}\n", to_string(image_shape), fmt::join(data.class_names, "\n")));
  add_files(hasher, "train", files.train);
  add_files(hasher, "test", files.test);
  data.hash = hash_hex(hasher.value());

  const bool has_test = !files.test.empty();
  data.train = std::make_shared<ImageFiles>(std::move(files.train), image_shape);
  if (has_test) {
    data.test = std::make_shared<ImageFiles>(std::move(files.test), image_shape);
  } else {
    cut_test_part(data, data.train);
  }
  PixelStatistics statistics = pixel_statistics(*data.train, data.image_shape, kMeasured, 1);
  data.mean = std::move(statistics.mean);
  data.std = std::move(statistics.std);
  return data;
}

}  // namespace

DataSet open_image_folder(const std::filesystem::path& folder, const Shape& image_shape) {
  return open_files(list_image_folder(folder), image_shape);
}

DataSet open_csv_list(const std::filesystem::path& list, const Shape& image_shape) {
  return open_files(read_csv_list(list), image_shape);
}

}  // namespace sooner
