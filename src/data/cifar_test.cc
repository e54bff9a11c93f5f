#include "data/cifar.h"

#include "support/data_files.h"

namespace sooner {
namespace {

std::string record(const std::vector<int>& labels, char pixel) { return bytes_of(labels) + std::string(3072, pixel); }

// Batch i holds one image of label i; the test batch two.
std::string ten_archive() {
  std::string archive = tar_entry("cifar-10-batches-bin/test_batch.bin", record({8}, 80) + record({9}, 90));
  for (int i = 5; i >= 1; --i) {  // the order in the archive does not matter
    archive +=
        tar_entry("cifar-10-batches-bin/data_batch_" + std::to_string(i) + ".bin", record({i}, static_cast<char>(i)));
  }
  return archive + tar_entry("cifar-10-batches-bin/batches.meta.txt", "airplane\n") + tar_end();
}

TEST(Cifar, ReadsTheArchiveInTheOrderOfTheBatches) {
  const TemporaryFolder folder;
  const CifarParts parts = read_cifar(Cifar::k10, folder.write("c.tar.gz", gzip(ten_archive())));
  ASSERT_EQ(parts.train->size(), 5);
  ASSERT_EQ(parts.test->size(), 2);
  std::vector<uint8_t> pixels(3072);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(parts.train->label(i), i + 1);
    parts.train->read(i, pixels);
    EXPECT_EQ(pixels, std::vector<uint8_t>(3072, static_cast<uint8_t>(i + 1)));
  }
  EXPECT_EQ(parts.test->label(1), 9);
}

TEST(Cifar, TakesTheFineLabelOfAHundredClasses) {
  const TemporaryFolder folder;
  folder.write("train.bin", record({19, 99}, 1) + record({0, 42}, 2));
  folder.write("test.bin", record({3, 7}, 3));
  const CifarParts parts = read_cifar(Cifar::k100, folder.path());
  EXPECT_EQ(parts.train->label(0), 99);
  EXPECT_EQ(parts.train->label(1), 42);
  EXPECT_EQ(parts.test->label(0), 7);
}

TEST(Cifar, NamesTheBatchThatIsMissing) {
  const TemporaryFolder folder;
  folder.write("data_batch_1.bin", record({1}, 1));
  folder.write("test_batch.bin", record({1}, 1));
  expect_error(Code::kNotFound, {"data_batch_2.bin", folder.path().string()},
               [&] { read_cifar(Cifar::k10, folder.path()); });
  const auto other = folder.write("other.tar", tar_entry("readme", "x") + tar_end());
  expect_error(Code::kNotFound, {"other.tar", "data_batch_1.bin"}, [&] { read_cifar(Cifar::k10, other); });
}

TEST(Cifar, RefusesARecordThatIsCut) {
  const TemporaryFolder folder;
  folder.write("train.bin", record({1, 2}, 1) + "xyz");
  folder.write("test.bin", record({1, 2}, 1));
  expect_error(Code::kDataLoss, {"train.bin", "3077 bytes", "3074"}, [&] { read_cifar(Cifar::k100, folder.path()); });
  folder.write("train.bin", "");
  expect_error(Code::kDataLoss, {"train.bin", "0 bytes"}, [&] { read_cifar(Cifar::k100, folder.path()); });
}

TEST(Cifar, RefusesLabelsOutOfRange) {
  const TemporaryFolder folder;
  folder.write("train.bin", record({1, 2}, 1) + record({1, 100}, 1));
  folder.write("test.bin", record({1, 2}, 1));
  expect_error(Code::kDataLoss, {"train.bin", "label 100 at byte 3075", "0 to 99"},
               [&] { read_cifar(Cifar::k100, folder.path()); });
  folder.write("train.bin", record({20, 2}, 1));
  expect_error(Code::kDataLoss, {"label 20 at byte 0", "0 to 19"}, [&] { read_cifar(Cifar::k100, folder.path()); });
}

TEST(Cifar, RefusesAFileThatComesTwice) {
  const TemporaryFolder folder;
  const std::string twice = tar_entry("train.bin", record({1, 2}, 1));
  const auto path = folder.write("c.tar", twice + twice + tar_end());
  expect_error(Code::kDataLoss, {"c.tar", "train.bin", "twice"}, [&] { read_cifar(Cifar::k100, path); });
}

TEST(Cifar, RefusesACutArchive) {
  const TemporaryFolder folder;
  const std::string packed = gzip(ten_archive());
  const auto path = folder.write("c.tar.gz", packed.substr(0, packed.size() - 4));
  expect_error(Code::kDataLoss, {"c.tar.gz", "cut short"}, [&] { read_cifar(Cifar::k10, path); });
}

}  // namespace
}  // namespace sooner
