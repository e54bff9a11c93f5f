#include "data/tar_stream.h"

#include "support/data_files.h"

namespace sooner {
namespace {

TEST(TarStream, WalksFilesAndSkipsEverythingElse) {
  const TemporaryFolder folder;
  const std::string archive = tar_entry("x/", "", '5') + tar_entry("comment", "path=elsewhere", 'x') +
                              tar_entry("x/one", std::string(700, 'a')) + tar_entry("x/empty", "") +
                              tar_entry("x/two", "second") + tar_end();
  for (const bool packed : {false, true}) {
    TarStream tar(folder.write("a.tar", packed ? gzip(archive) : archive));
    auto entry = tar.next();
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, "x/one");
    EXPECT_EQ(entry->bytes, 700U);
    entry = tar.next();  // passes over what was not read
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, "x/empty");
    EXPECT_TRUE(tar.read().empty());
    entry = tar.next();
    ASSERT_TRUE(entry);
    EXPECT_EQ(tar.read(), (std::vector<uint8_t>{'s', 'e', 'c', 'o', 'n', 'd'}));
    EXPECT_FALSE(tar.next());
  }
}

TEST(TarStream, EndsAtTheEndOfAFileWithoutZeroBlocks) {
  const TemporaryFolder folder;
  TarStream tar(folder.write("a.tar", tar_entry("one", "1")));
  EXPECT_TRUE(tar.next());
  EXPECT_FALSE(tar.next());
}

TEST(TarStream, RefusesAHeaderWithAWrongSum) {
  const TemporaryFolder folder;
  std::string archive = tar_entry("one", "1") + tar_entry("two", "2");
  archive[1024] = 'T';
  TarStream tar(folder.write("a.tar", archive));
  EXPECT_TRUE(tar.next());
  expect_error(Code::kDataLoss, {"a.tar", "byte 1024"}, [&] { tar.next(); });
}

TEST(TarStream, RefusesWhatIsNoArchive) {
  const TemporaryFolder folder;
  TarStream page(folder.write("page.tar", std::string(2000, 'x')));
  expect_error(Code::kDataLoss, {"page.tar", "byte 0"}, [&] { page.next(); });
  TarStream small(folder.write("small.tar", "x"));
  expect_error(Code::kDataLoss, {"small.tar", "byte 0"}, [&] { small.next(); });
}

TEST(TarStream, NamesTheEntryThatIsCut) {
  const TemporaryFolder folder;
  const std::string archive = tar_entry("one", std::string(2000, 'a'));
  TarStream read(folder.write("a.tar", archive.substr(0, 1500)));
  EXPECT_TRUE(read.next());
  expect_error(Code::kDataLoss, {"a.tar", "inside one", "byte 1500"}, [&] { read.read(); });
  TarStream skip(folder.write("b.tar", archive.substr(0, 1500)));
  EXPECT_TRUE(skip.next());
  expect_error(Code::kDataLoss, {"b.tar", "inside one"}, [&] { skip.next(); });
}

TEST(TarStream, ComparesTheChecksumBehindTheLastEntry) {
  const TemporaryFolder folder;
  std::string packed = gzip(tar_entry("one", "1") + tar_end());
  packed[packed.size() - 8] ^= 1;
  TarStream tar(folder.write("a.tar.gz", packed));
  expect_error(Code::kDataLoss, {"a.tar.gz", "data check"}, [&] {
    while (tar.next()) {
    }
  });
}

TEST(TarStream, AnswersEveryDamagedByteWithAnErrorOrAFile) {
  const TemporaryFolder folder;
  expect_only_errors(tar_entry("one", "1"), [&](const std::string& damaged) {
    TarStream tar(folder.write("a.tar", damaged));
    while (tar.next()) tar.read();
  });
}

}  // namespace
}  // namespace sooner
