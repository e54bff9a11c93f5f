#include "data/open_data_set.h"

#include <cstdlib>
#include <set>

#include "data/png.h"
#include "support/data_files.h"

namespace sooner {
namespace {

std::string png_file(uint8_t value) {
  const auto bytes = encode_png(std::vector<uint8_t>(16, value), {1, 4, 4});
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write_idx_set(const TemporaryFolder& folder, const std::string& under, const std::string& ending) {
  const auto file = [&](const std::string& content) { return ending.empty() ? content : gzip(content); };
  folder.write(under + "train-images-idx3-ubyte" + ending,
               file(idx_images(3, 1, 2, bytes_of({0, 255, 0, 255, 0, 255}))));
  folder.write(under + "train-labels-idx1-ubyte" + ending, file(idx_labels({0, 9, 5})));
  folder.write(under + "t10k-images-idx3-ubyte" + ending, file(idx_images(1, 1, 2, bytes_of({3, 4}))));
  folder.write(under + "t10k-labels-idx1-ubyte" + ending, file(idx_labels({1})));
}

DataSet open_in(const TemporaryFolder& folder, const std::string& name) {
  return open_data_set({.name = name, .data_dir = folder.path().string()});
}

TEST(OpenDataSet, FindsIdxFilesInTheirFolderOrDirectlyPackedOrNot) {
  std::set<std::string> hashes;
  for (const std::string under : {"mnist/", ""}) {
    for (const std::string ending : {".gz", ""}) {
      const TemporaryFolder folder;
      write_idx_set(folder, under, ending);
      const DataSet data = open_in(folder, "mnist");
      EXPECT_EQ(data.name, "mnist");
      EXPECT_EQ(data.image_shape, (Shape{1, 1, 2}));
      EXPECT_EQ(data.classes(), 10);
      EXPECT_EQ(data.train->size(), 3);
      EXPECT_EQ(data.test->label(0), 1);
      EXPECT_DOUBLE_EQ(data.mean.at(0), .5);
      EXPECT_DOUBLE_EQ(data.std.at(0), .5);
      EXPECT_EQ(data.hash.size(), 16U);
      hashes.insert(data.hash);
    }
  }
  EXPECT_EQ(hashes.size(), 1U);
}

TEST(OpenDataSet, HashesPixelsAndLabels) {
  const TemporaryFolder folder;
  write_idx_set(folder, "mnist/", "");
  const std::string before = open_in(folder, "mnist").hash;
  folder.write("mnist/t10k-labels-idx1-ubyte", idx_labels({2}));
  const std::string other_label = open_in(folder, "mnist").hash;
  folder.write("mnist/t10k-images-idx3-ubyte", idx_images(1, 1, 2, bytes_of({3, 5})));
  const std::string other_pixel = open_in(folder, "mnist").hash;
  EXPECT_EQ((std::set<std::string>{before, other_label, other_pixel}).size(), 3U);
}

TEST(OpenDataSet, SaysWhatItLookedForAndWhere) {
  const TemporaryFolder folder;
  const std::string where = folder.path().string();
  expect_error(Code::kNotFound, {"train-images-idx3-ubyte.gz", where + "/mnist'", "--data-dir or SOONER_DATA"},
               [&] { open_in(folder, "mnist"); });
  expect_error(Code::kNotFound, {"cifar-10-batches-bin", "cifar-10-binary.tar.gz", where, "SOONER_DATA"},
               [&] { open_in(folder, "cifar10"); });
  expect_error(Code::kNotFound, {"cifar-100-binary", where}, [&] { open_in(folder, "cifar100"); });
  write_idx_set(folder, "fashion-mnist/", ".gz");
  std::filesystem::remove(folder.path() / "fashion-mnist/t10k-labels-idx1-ubyte.gz");
  expect_error(Code::kNotFound, {"t10k-labels-idx1-ubyte.gz"}, [&] { open_in(folder, "fashion-mnist"); });
  expect_error(Code::kNotFound, {"/no/such/folder", "SOONER_DATA"},
               [] { open_data_set({.name = "mnist", .data_dir = "/no/such/folder"}); });
}

TEST(OpenDataSet, RefusesTestImagesOfAnotherSize) {
  const TemporaryFolder folder;
  write_idx_set(folder, "mnist/", "");
  folder.write("mnist/t10k-images-idx3-ubyte", idx_images(1, 2, 2, bytes_of({3, 4, 5, 6})));
  expect_error(Code::kDataLoss, {"t10k-images", "1x2x2", "1x1x2"}, [&] { open_in(folder, "mnist"); });
}

TEST(OpenDataSet, FindsCifarInEveryUsualPlace) {
  const std::string record = bytes_of({4, 44}) + std::string(3072, '\x05');
  const std::string archive = tar_entry("cifar-100-binary/train.bin", record + record) +
                              tar_entry("cifar-100-binary/test.bin", record) + tar_end();
  std::set<std::string> hashes;
  for (const std::string name :
       {"cifar-100/cifar-100-binary.tar.gz", "cifar-100-binary.tar.gz", "cifar-100-binary.tar"}) {
    const TemporaryFolder folder;
    folder.write(name, name.ends_with(".gz") ? gzip(archive) : archive);
    hashes.insert(open_in(folder, "cifar100").hash);
  }
  for (const std::string under : {"cifar-100/cifar-100-binary/", "cifar-100-binary/", "cifar-100/", ""}) {
    const TemporaryFolder folder;
    folder.write(under + "train.bin", record + record);
    folder.write(under + "test.bin", record);
    const DataSet data = open_in(folder, "cifar100");
    EXPECT_EQ(data.train->size(), 2);
    EXPECT_EQ(data.class_names.at(static_cast<size_t>(data.train->label(0))), "lizard");
    EXPECT_EQ(data.mean.size(), 3U);
    hashes.insert(data.hash);
  }
  EXPECT_EQ(hashes.size(), 1U);
}

TEST(OpenDataSet, DrawsGlyphsWithoutAnyFile) {
  const DataSet data = open_data_set({.name = "glyphs", .glyph_train = 300, .glyph_test = 100});
  EXPECT_EQ(data.train->size(), 300);
  EXPECT_EQ(data.test->size(), 100);
  EXPECT_EQ(data.image_shape, (Shape{1, 32, 32}));
  EXPECT_EQ(data.classes(), 10);
  EXPECT_GT(data.std.at(0), .05);
  EXPECT_GE(data.test->difficulty(5), 0);
  std::vector<uint8_t> train(1024), test(1024);
  data.train->read(0, train);
  data.test->read(0, test);
  EXPECT_NE(train, test);
  const auto hash = [](const DataOptions& options) { return open_data_set(options).hash; };
  EXPECT_EQ(data.hash, hash({.name = "glyphs", .glyph_train = 300, .glyph_test = 100}));
  EXPECT_NE(data.hash, hash({.name = "glyphs", .glyph_train = 300, .glyph_test = 100, .glyph_seed = 2}));
  EXPECT_NE(data.hash, hash({.name = "glyphs", .glyph_train = 301, .glyph_test = 100}));
  expect_error(Code::kInvalidArgument, {"0 training"}, [&] { hash({.name = "glyphs", .glyph_train = 0}); });
}

TEST(OpenDataSet, CutsATestPartOffAFolderThatHasNone) {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) {
    folder.write("a/" + std::to_string(i) + ".png", png_file(static_cast<uint8_t>(i)));
    if (i < 2) folder.write("b/" + std::to_string(i) + ".png", png_file(200));
  }
  const DataOptions options{.name = "folder:" + folder.path().string(), .image_shape = {1, 4, 4}};
  const DataSet data = open_data_set(options), again = open_data_set(options);
  EXPECT_EQ(data.name, options.name);
  EXPECT_EQ(data.train->size(), 17 + 1);
  EXPECT_EQ(data.test->size(), 3 + 1);
  EXPECT_EQ(data.hash, again.hash);
  std::multiset<uint8_t> seen;
  std::vector<uint8_t> pixels(16), same(16);
  for (const auto& source : {data.train, data.test}) {
    for (int64_t i = 0; i < source->size(); ++i) {
      source->read(i, pixels);
      if (source->label(i) == 0) seen.insert(pixels[0]);
    }
  }
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_EQ(std::set<uint8_t>(seen.begin(), seen.end()).size(), 20U);
  for (int64_t i = 0; i < data.test->size(); ++i) {
    data.test->read(i, pixels);
    again.test->read(i, same);
    EXPECT_EQ(pixels, same);
  }
}

TEST(OpenDataSet, UsesTheTestPartAFolderHas) {
  const TemporaryFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/1.png", "val/b/1.png"}) folder.write(name, png_file(50));
  const DataSet data = open_data_set({.name = "folder:" + folder.path().string(), .image_shape = {3, 8, 8}});
  EXPECT_EQ(data.train->size(), 2);
  EXPECT_EQ(data.test->size(), 1);
  EXPECT_EQ(data.test->label(0), 1);
  EXPECT_NEAR(data.mean.at(2), 50 / 255.0, 1e-9);
}

TEST(OpenDataSet, ReadsACsvList) {
  const TemporaryFolder folder;
  std::string list = "path,label\n";
  for (int i = 0; i < 8; ++i) {
    const std::string name = std::to_string(i) + ".png";
    folder.write(name, png_file(static_cast<uint8_t>(i)));
    list += name + (i % 2 == 0 ? ",even\n" : ",odd\n");
  }
  const auto path = folder.write("list.csv", list);
  const DataSet data = open_data_set({.name = "csv:" + path.string(), .image_shape = {1, 4, 4}});
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"even", "odd"}));
  EXPECT_EQ(data.train->size(), 6);
  EXPECT_EQ(data.test->size(), 2);
}

TEST(OpenDataSet, NamesAClassTooSmallForATestPart) {
  const TemporaryFolder folder;
  for (const char* name : {"a/1.png", "a/2.png", "b/1.png"}) folder.write(name, png_file(50));
  expect_error(Code::kInvalidArgument, {"class 'b'", "1 images", "test part"},
               [&] { open_data_set({.name = "folder:" + folder.path().string()}); });
}

TEST(OpenDataSet, NamesACorruptImageItMeetsWhileMeasuring) {
  const TemporaryFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/1.png", "test/a/1.png"}) folder.write(name, png_file(50));
  folder.write("train/b/2.png", png_file(50).substr(0, 40));
  expect_error(Code::kDataLoss, {"train/b/2.png", "corrupt"},
               [&] { open_data_set({.name = "folder:" + folder.path().string()}); });
}

TEST(OpenDataSet, SuggestsTheNameMeant) {
  expect_error(Code::kInvalidArgument, {"'cifar-10'", "did you mean 'cifar10'?"},
               [] { open_data_set({.name = "cifar-10"}); });
  expect_error(Code::kInvalidArgument, {"'imagenet'"}, [] { open_data_set({.name = "imagenet"}); });
}

class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("SOONER_DATA") == nullptr) GTEST_SKIP() << "SOONER_DATA does not name a folder of data sets";
  }
  static std::vector<int32_t> first_labels(const ImageSource& source) {
    std::vector<int32_t> labels;
    for (int64_t i = 0; i < 5; ++i) labels.push_back(source.label(i));
    return labels;
  }
};

TEST_F(RealData, HoldsMnist) {
  const DataSet data = open_data_set({.name = "mnist"});
  EXPECT_EQ(data.train->size(), 60000);
  EXPECT_EQ(data.test->size(), 10000);
  EXPECT_EQ(data.image_shape, (Shape{1, 28, 28}));
  EXPECT_EQ(first_labels(*data.train), (std::vector<int32_t>{5, 0, 4, 1, 9}));
  EXPECT_EQ(first_labels(*data.test), (std::vector<int32_t>{7, 2, 1, 0, 4}));
  EXPECT_NEAR(data.mean.at(0), .1307, 1e-4);
  EXPECT_NEAR(data.std.at(0), .3081, 1e-4);
}

TEST_F(RealData, HoldsFashionMnist) {
  const DataSet data = open_data_set({.name = "fashion-mnist"});
  EXPECT_EQ(data.train->size(), 60000);
  EXPECT_EQ(data.test->size(), 10000);
  EXPECT_EQ(first_labels(*data.train), (std::vector<int32_t>{9, 0, 0, 3, 0}));
  EXPECT_EQ(first_labels(*data.test), (std::vector<int32_t>{9, 2, 1, 1, 6}));
  EXPECT_NEAR(data.mean.at(0), .2860, 1e-4);
  EXPECT_NEAR(data.std.at(0), .3530, 1e-4);
}

TEST_F(RealData, HoldsCifar10) {
  const DataSet data = open_data_set({.name = "cifar10"});
  EXPECT_EQ(data.train->size(), 50000);
  EXPECT_EQ(data.test->size(), 10000);
  EXPECT_EQ(data.image_shape, (Shape{3, 32, 32}));
  EXPECT_EQ(first_labels(*data.train), (std::vector<int32_t>{6, 9, 9, 4, 1}));
  EXPECT_EQ(first_labels(*data.test), (std::vector<int32_t>{3, 8, 8, 0, 6}));
}

}  // namespace
}  // namespace sooner
