#include "data/csv.h"

#include "support/data_files.h"

namespace sooner {
namespace {

using Fields = std::vector<std::string>;

TEST(Csv, TakesLinesApart) {
  const auto rows = parse_csv("a,b\n c d ,\t2\n,\n", "x");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].fields, (Fields{"a", "b"}));
  EXPECT_EQ(rows[1].fields, (Fields{"c d", "2"}));
  EXPECT_EQ(rows[2].fields, (Fields{"", ""}));
}

TEST(Csv, UnderstandsQuotes) {
  const auto rows = parse_csv("\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\" , \"\"\nlast,1", "x");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].fields, (Fields{"a,b", "say \"hi\""}));
  EXPECT_EQ(rows[1].fields, (Fields{"two\nlines", ""}));
  EXPECT_EQ(rows[2].fields, (Fields{"last", "1"}));
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_EQ(rows[2].line, 4);
}

TEST(Csv, PassesOverBlankLinesMarksAndCarriageReturns) {
  const auto rows = parse_csv(
      "\xef\xbb\xbf"
      "a,b\r\n\r\n  \n\"c\",d\r\n",
      "x");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].fields, (Fields{"a", "b"}));
  EXPECT_EQ(rows[1].fields, (Fields{"c", "d"}));
  EXPECT_EQ(rows[1].line, 4);
  EXPECT_TRUE(parse_csv("", "x").empty());
  EXPECT_TRUE(parse_csv("\n\n", "x").empty());
}

TEST(Csv, KeepsAnEmptyLastField) {
  const auto rows = parse_csv("a,", "x");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].fields, (Fields{"a", ""}));
}

TEST(Csv, NamesTheLineOfABadQuote) {
  expect_error(Code::kDataLoss, {"x.csv", "line 2", "never closed"}, [] { parse_csv("a,b\n\"c,d\ne,f", "x.csv"); });
  expect_error(Code::kDataLoss, {"x.csv", "line 2", "'x'"}, [] { parse_csv("a,b\n\"c\"x,d", "x.csv"); });
}

TEST(Csv, EndsForEveryInput) {
  // All texts of up to five of these characters: parsed or refused, never looping.
  const std::string letters = "a,\"\n\r ";
  for (size_t code = 0; code < 7776; ++code) {
    std::string text;
    for (size_t rest = code, i = 0; i < 5; ++i, rest /= 6) text += letters[rest % 6];
    try {
      for (const CsvRow& row : parse_csv(text, "x")) EXPECT_FALSE(row.fields.empty());
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kDataLoss);
    }
  }
}

TEST(Csv, FieldsComeBackAsTheyWereWritten) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  const std::vector<std::string> hard{"a,b", "say \"a\"", "two\nlines", "cr\rhere", "x"};
  std::string line;
  for (const std::string& field : hard) line += (line.empty() ? "" : ",") + csv_field(field);
  const std::vector<CsvRow> rows = parse_csv(line, "test");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].fields, hard);
}

}  // namespace
}  // namespace sooner
