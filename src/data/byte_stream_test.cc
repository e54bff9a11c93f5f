#include "data/byte_stream.h"

#include <sys/stat.h>

#include "support/data_files.h"

namespace sooner {
namespace {

std::string read_all(const std::filesystem::path& path) {
  ByteStream stream(path);
  std::string all(1 << 20, '\0');
  all.resize(stream.read_some(std::as_writable_bytes(std::span(all))));
  return all;
}

// Long and not repetitive, so that it fills more than one buffer packed.
std::string long_content() {
  std::string content;
  uint32_t state = 1;
  for (int i = 0; i < 300000; ++i) content += static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
  return content;
}

TEST(ByteStream, ReadsPlainFilesAsTheyAre) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_all(folder.write("a", "hello")), "hello");
  EXPECT_EQ(read_all(folder.write("b", "")), "");
  EXPECT_EQ(read_all(folder.write("c", "\x1f")), "\x1f");
}

TEST(ByteStream, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error(Code::kInvalidArgument, {"'" + pipe.string() + "' is no regular file"},
               [&] { ByteStream stream(pipe); });
  expect_error(Code::kInvalidArgument, {"'/dev/zero' is no regular file"}, [] { ByteStream stream("/dev/zero"); });
}

TEST(ByteStream, UnpacksGzipWhateverTheFileIsCalled) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_all(folder.write("a", gzip("hello"))), "hello");
  EXPECT_EQ(read_all(folder.write("b.gz", gzip(long_content()))), long_content());
  EXPECT_EQ(read_all(folder.write("c.gz", gzip(""))), "");
}

TEST(ByteStream, ReadsSeveralMembersAndPassesOverPadding) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_all(folder.write("a.gz", gzip("one ") + gzip("two") + std::string(700, '\0'))), "one two");
}

TEST(ByteStream, CountsUnpackedBytes) {
  const TemporaryFolder folder;
  ByteStream stream(folder.write("a.gz", gzip("0123456789")));
  stream.skip(3, "x");
  std::array<std::byte, 2> two{};
  stream.read(two, "x");
  EXPECT_EQ(static_cast<char>(two[0]), '3');
  EXPECT_EQ(stream.offset(), 5U);
  EXPECT_EQ(stream.read_vector(5, "x"), (std::vector<uint8_t>{'5', '6', '7', '8', '9'}));
  stream.expect_end("x");
}

TEST(ByteStream, SaysThatACompressedFileIsCut) {
  const TemporaryFolder folder;
  const std::string whole = gzip(long_content());
  for (const size_t left : {whole.size() - 1, whole.size() - 9, whole.size() / 2, size_t{12}, size_t{2}}) {
    const auto path = folder.write("cut.gz", whole.substr(0, left));
    expect_error(Code::kDataLoss, {"cut.gz", "cut short", "byte " + std::to_string(left), "fetch it again"},
                 [&] { read_all(path); });
  }
}

TEST(ByteStream, SaysThatAChecksumIsWrong) {
  const TemporaryFolder folder;
  std::string packed = gzip("hello, hello, hello");
  packed[packed.size() - 8] ^= 1;
  const auto path = folder.write("bad.gz", packed);
  expect_error(Code::kDataLoss, {"bad.gz", "corrupt", "data check"}, [&] { read_all(path); });
}

TEST(ByteStream, SaysThatCompressedBytesAreDamaged) {
  const TemporaryFolder folder;
  std::string packed = gzip(long_content());
  for (size_t i = 1000; i < 1100; ++i) packed[i] = static_cast<char>(~packed[i]);
  const auto path = folder.write("bad.gz", packed);
  expect_error(Code::kDataLoss, {"bad.gz", "corrupt near byte"}, [&] { read_all(path); });
}

TEST(ByteStream, RefusesForeignBytesAfterTheEnd) {
  const TemporaryFolder folder;
  const auto path = folder.write("tail.gz", gzip("hello") + "<html>");
  expect_error(Code::kDataLoss, {"tail.gz", "foreign bytes"}, [&] { read_all(path); });
}

TEST(ByteStream, NamesWhatWasBeingReadWhenTheFileEnds) {
  const TemporaryFolder folder;
  ByteStream stream(folder.write("short", "abc"));
  expect_error(Code::kDataLoss, {"short", "byte 3", "the header", "1 more"}, [&] {
    std::array<std::byte, 4> four{};
    stream.read(four, "the header");
  });
}

TEST(ByteStream, DoesNotBelieveALengthTheFileDoesNotHave) {
  const TemporaryFolder folder;
  ByteStream stream(folder.write("liar", "abc"));
  expect_error(Code::kDataLoss, {"liar", "the pixels"}, [&] { stream.read_vector(uint64_t{1} << 60U, "the pixels"); });
}

TEST(ByteStream, RefusesMoreThanWasExpected) {
  const TemporaryFolder folder;
  ByteStream stream(folder.write("long", "abc"));
  stream.skip(2, "x");
  expect_error(Code::kDataLoss, {"long", "goes on after byte 2", "the labels"},
               [&] { stream.expect_end("the labels"); });
}

TEST(ByteStream, SaysThatAFileIsMissingOrAFolder) {
  const TemporaryFolder folder;
  expect_error(Code::kNotFound, {"nothing.gz"}, [&] { ByteStream stream(folder.path() / "nothing.gz"); });
  expect_error(Code::kInvalidArgument, {"name a file"}, [&] { ByteStream stream(folder.path()); });
}

}  // namespace
}  // namespace sooner
