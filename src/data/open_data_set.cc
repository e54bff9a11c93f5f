#include "data/open_data_set.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/cpu.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"
#include "data/cifar.h"
#include "data/class_names.h"
#include "data/glyph_angles.h"
#include "data/glyphs.h"
#include "data/idx.h"
#include "data/memory_source.h"
#include "data/open_image_files.h"
#include "data/pixel_statistics.h"

namespace sooner {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "folder:";
constexpr std::string_view kCsv = "csv:";
constexpr int64_t kNoLimit = INT64_MAX;
// Above this many images glyphs are drawn when read instead of ahead: 1 GB.
constexpr int64_t kGlyphsHeldInMemory = 1'000'000;

fs::path data_folder(const DataOptions& options) {
  std::string folder = options.data_dir;
  if (folder.empty()) {
    const char* from_environment = std::getenv("SOONER_DATA");
    if (from_environment != nullptr) folder = from_environment;
  }
  if (folder.empty()) {
    fail(Code::kNotFound, "[data] {} is read from files and no folder is named; name it with --data-dir or SOONER_DATA",
         options.name);
  }
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    fail(Code::kNotFound,
         "[data] '{}' is not a folder, expected the one that holds {}; name it with --data-dir or SOONER_DATA", folder,
         options.name);
  }
  return folder;
}

// The first of `names` in the first of `folders` that has one.
fs::path find_one(const DataOptions& options, const std::vector<fs::path>& folders,
                  const std::vector<std::string>& names) {
  for (const fs::path& folder : folders) {
    for (const std::string& name : names) {
      std::error_code ignored;
      if (fs::exists(folder / name, ignored)) return folder / name;
    }
  }
  std::vector<std::string> looked_in;
  for (const fs::path& folder : folders) looked_in.push_back(fmt::format("'{}'", folder.string()));
  fail(Code::kNotFound,
       "[data] {}: found none of {} in {}; name the folder that holds it with --data-dir or SOONER_DATA", options.name,
       fmt::join(names, ", "), fmt::join(looked_in, " or "));
}

void add_source(Hasher& hasher, const ImageSource& source, const Shape& shape) {
  hasher.add(fmt::format("{} {}\n", source.size(), to_string(shape)));
  const auto* held = dynamic_cast<const MemorySource*>(&source);
  SOONER_ASSERT(held != nullptr);
  hasher.add(std::as_bytes(held->pixels()));
  for (const int32_t label : held->labels()) hasher.add(fmt::format("{},", label));
}

void finish_hash(DataSet& data) {
  Hasher hasher;
  add_source(hasher, *data.train, data.image_shape);
  add_source(hasher, *data.test, data.image_shape);
  data.hash = hash_hex(hasher.value());
}

void measure(DataSet& data, int64_t limit) {
  PixelStatistics statistics = pixel_statistics(*data.train, data.image_shape, limit, 1);
  data.mean = std::move(statistics.mean);
  data.std = std::move(statistics.std);
}

DataSet open_idx(const DataOptions& options, std::vector<std::string> class_names) {
  const fs::path folder = data_folder(options);
  const auto find = [&](const std::string& name) {
    return find_one(options, {folder / options.name, folder}, {name + ".gz", name});
  };
  // All four are looked for before any is read.
  const fs::path train_images = find("train-images-idx3-ubyte");
  const fs::path train_labels = find("train-labels-idx1-ubyte");
  const fs::path test_images = find("t10k-images-idx3-ubyte");
  const fs::path test_labels = find("t10k-labels-idx1-ubyte");
  DataSet data;
  data.class_names = std::move(class_names);
  Shape test_shape;
  data.train = read_idx_pair(train_images, train_labels, data.classes(), data.image_shape);
  data.test = read_idx_pair(test_images, test_labels, data.classes(), test_shape);
  if (test_shape != data.image_shape) {
    fail(Code::kDataLoss, "[idx] '{}' holds images of {}, expected {} as in the training part; fetch both again",
         test_images.string(), to_string(test_shape), to_string(data.image_shape));
  }
  finish_hash(data);
  measure(data, kNoLimit);
  return data;
}

DataSet open_cifar(const DataOptions& options, Cifar kind) {
  const bool ten = kind == Cifar::k10;
  const fs::path folder = data_folder(options);
  const std::string unpacked = ten ? "cifar-10-batches-bin" : "cifar-100-binary";
  const std::string first_part = ten ? "data_batch_1.bin" : "train.bin";
  const std::string archive = ten ? "cifar-10-binary.tar" : "cifar-100-binary.tar";
  // The folder before the archive: reading it is quicker.
  fs::path found = find_one(options, {folder / (ten ? "cifar-10" : "cifar-100"), folder},
                            {unpacked, first_part, archive + ".gz", archive});
  if (found.filename() == first_part) found = found.parent_path();
  CifarParts parts = read_cifar(kind, found);
  DataSet data;
  data.image_shape = cifar_shape();
  data.class_names = ten ? cifar10_names() : cifar100_names();
  data.train = std::move(parts.train);
  data.test = std::move(parts.test);
  // The constants in common use, so that results compare.
  data.mean = ten ? std::vector{.4914, .4822, .4465} : std::vector{.5071, .4865, .4409};
  data.std = ten ? std::vector{.2470, .2435, .2616} : std::vector{.2673, .2564, .2762};
  finish_hash(data);
  return data;
}

// What the sets that the program draws have in common. recipe: what is drawn, and its version.
template <typename Source>
void draw_set(const DataOptions& options, const std::string& recipe, DataSet& data) {
  if (options.glyph_train < 1 || options.glyph_test < 1) {
    fail(Code::kInvalidArgument, "[glyphs] got {} training and {} test images, expected at least 1 of each",
         options.glyph_train, options.glyph_test);
  }
  data.image_shape = glyph_shape();
  // Over the recipe, not the pixels: it is the same where rounding differs by a bit.
  data.hash = hash_hex(hash_bytes(
      fmt::format("{} seed {} train {} test {}", recipe, options.glyph_seed, options.glyph_train, options.glyph_test)));
  const auto make = [&](uint64_t stream, int64_t size) -> std::shared_ptr<const ImageSource> {
    auto drawn = std::make_shared<const Source>(options.glyph_seed, stream, size);
    if (size > kGlyphsHeldInMemory) return drawn;
    return hold_in_memory(*drawn, data.image_shape, cpu_count());
  };
  data.train = make(0, options.glyph_train);
  data.test = make(1, options.glyph_test);
  measure(data, 5000);
}

DataSet open_glyphs(const DataOptions& options) {
  DataSet data;
  data.class_names = glyph_class_names();
  draw_set<GlyphSource>(options, fmt::format("glyphs version {}", kGlyphVersion), data);
  return data;
}

DataSet open_glyph_pairs(const DataOptions& options) {
  DataSet data;
  data.class_names = glyph_pair_names();
  draw_set<GlyphPairSource>(options, fmt::format("glyph pairs version {}", kGlyphPairVersion), data);
  return data;
}

DataSet open_glyph_angles(const DataOptions& options) {
  DataSet data;
  data.class_names = glyph_angle_names();
  data.quantity = Quantity{.name = "angle", .unit = "degrees"};
  draw_set<GlyphAngleSource>(options, fmt::format("glyph angles version {}", kGlyphAngleVersion), data);
  return data;
}

}  // namespace

DataSet open_data_set(const DataOptions& options) {
  const std::string& name = options.name;
  DataSet data;
  if (name == "glyphs") {
    data = open_glyphs(options);
  } else if (name == "glyph-pairs") {
    data = open_glyph_pairs(options);
  } else if (name == "glyph-angles") {
    data = open_glyph_angles(options);
  } else if (name == "mnist") {
    data = open_idx(options, digit_names());
  } else if (name == "fashion-mnist") {
    data = open_idx(options, fashion_mnist_names());
  } else if (name == "cifar10") {
    data = open_cifar(options, Cifar::k10);
  } else if (name == "cifar100") {
    data = open_cifar(options, Cifar::k100);
  } else if (name.starts_with(kFolder)) {
    data = open_image_folder(name.substr(kFolder.size()), options.image_shape);
  } else if (name.starts_with(kCsv)) {
    data = open_csv_list(name.substr(kCsv.size()), options.image_shape);
  } else {
    static const std::vector<std::string> known = {"glyphs",   "glyph-pairs",   "glyph-angles",
                                                   "mnist",    "fashion-mnist", "cifar10",
                                                   "cifar100", "folder:<path>", "csv:<path>"};
    fail(Code::kInvalidArgument, "[data] got data set '{}'; {}", name, suggest(name, known));
  }
  data.name = name;
  return data;
}

}  // namespace sooner
