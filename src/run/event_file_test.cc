#include "run/event_file.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

// The mask taken off again, so that published values can be compared with.
uint32_t crc32c(std::string_view bytes) { return std::rotl(masked_crc32c(bytes) - 0xa282ead8U, 15); }

TEST(EventFile, ChecksumMeetsPublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);              // the catalogue's check value of CRC-32C
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);    // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);  // RFC 3720, B.4
}

TEST(EventFile, EventIsTheseBytes) {
  const std::string event = encode_event(1.0, 300, {{"a", 2.0F}});
  const std::string expected(
      "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f"  // 1: fixed64, 1.0
      "\x10\xac\x02"                          // 2: varint, 300
      "\x2a\x0a"                              // 5: 10 bytes, the summary
      "\x0a\x08"                              // 1: 8 bytes, a value
      "\x0a\x01"
      "a"                      // 1: "a"
      "\x15\x00\x00\x00\x40",  // 2: fixed32, 2.0
      9 + 3 + 2 + 2 + 3 + 5);
  EXPECT_EQ(event, expected);
}

TEST(EventFile, RecordIsLengthChecksumDataChecksum) {
  const std::string record = encode_record("abc");
  ASSERT_EQ(record.size(), 8U + 4U + 3U + 4U);
  EXPECT_EQ(record.substr(0, 8), std::string("\x03\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 3), "abc");
}

TEST(EventFile, StartsWithItsVersionAndGrowsRecordByRecord) {
  const TempFolder folder;
  EventFile file(folder / "tb", 1.5);
  file.write(2, 1, {{"loss", 0.5F}});
  const auto entry = *std::filesystem::directory_iterator(folder / "tb");
  const std::string text = read_text(entry.path());
  EXPECT_TRUE(entry.path().filename().string().starts_with("events.out.tfevents.0000000001."));
  const size_t version = encode_record(
                             "xxxxxxxxx\x1a\x0d"
                             "brain.Event:2")
                             .size();
  EXPECT_EQ(text.size(), version + encode_record(encode_event(2, 1, {{"loss", 0.5F}})).size());
  EXPECT_NE(text.find("brain.Event:2"), std::string::npos);
}

TEST(EventFile, FolderThatCannotBeMadeIsAnError) {
  const TempFolder folder;
  write_file_atomically(folder / "file", "");
  EXPECT_NE(error_of([&] { EventFile(folder / "file/tb", 0); }).code(), Code::kInternal);
}

}  // namespace
}  // namespace sooner
