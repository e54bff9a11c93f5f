#include "tune/tables/logit_table_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/file.h"
#include "format/safetensors.h"
#include "support/temp_folder.h"
#include "tune/calibrate.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::HasSubstr;

StoredTable some_table(int32_t exits = 3) {
  return {.table = random_logit_table(8, 40, exits, 5),
          .origin = {.weights_hash = "00ff00ff00ff00ff",
                     .data_set = "glyphs",
                     .split = "tune",
                     .split_hash = "0123456789abcdef",
                     .precision = "bf16",
                     .backend = "onednn",
                     .instruction_set = "avx512 bf16"}};
}

TEST(LogitTableFile, GivesBackWhatWasWrittenAndTunesToTheSameRecord) {
  const TempFolder folder;
  for (const int32_t exits : {1, 3}) {
    const StoredTable written = some_table(exits);
    write_logit_table(written, folder / "t.safetensors");
    StoredTable read = read_logit_table(folder / "t.safetensors");
    EXPECT_EQ(read.origin, written.origin);
    EXPECT_TRUE(read.table.logits.empty()) << "they stay in the file";
    EXPECT_TRUE(std::ranges::equal(read.table.all_logits(), written.table.logits));
    EXPECT_EQ(read.table.labels, written.table.labels);
    EXPECT_EQ(read.table.gates, written.table.gates);
    read.table.exit_cost = written.table.exit_cost;
    const CalibrationRule rule{.kind = CalibrationRule::Kind::kAccuracyDrop, .value = 0.02};
    const StoredTable moved = std::move(read);  // the mapping moves along
    EXPECT_EQ(calibrate(moved.table, {.name = "max-prob"}, rule).policy,
              calibrate(written.table, {.name = "max-prob"}, rule).policy);
  }
}

std::string message_of(const std::filesystem::path& path) {
  try {
    read_logit_table(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kDataLoss);
    return error.what();
  }
  return "accepted";
}

TEST(LogitTableFile, NamesWhatIsMissingMisshapenOrCutShort) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "t.safetensors";
  write_logit_table(some_table(), path);
  const std::vector<std::byte> bytes = read_file(path);
  const auto write = [&](const Safetensors& file) {
    write_file_atomically(path, [&](FileSink& sink) { write_safetensors(file, sink); });
  };
  write_file_atomically(path, [&](FileSink& sink) { sink.write(std::span(bytes).first(bytes.size() - 8)); });
  EXPECT_THAT(message_of(path), HasSubstr("t.safetensors"));
  const Safetensors whole = parse_safetensors(bytes, "t");

  Safetensors file = whole;
  file.tensors.erase("labels");
  write(file);
  EXPECT_THAT(message_of(path), HasSubstr("holds no tensor 'labels'"));
  file = whole;
  file.tensors["labels"] = Tensor(DType::kI32, {39});
  write(file);
  EXPECT_THAT(message_of(path), HasSubstr("'labels' has the shape 39, expected 40"));
  file.tensors["labels"] = Tensor(DType::kI64, {40});
  write(file);
  EXPECT_THAT(message_of(path), HasSubstr("'labels' is I64, expected I32"));
  file = whole;
  file.tensors["gates"] = Tensor(DType::kF32, {40, 3});
  write(file);
  EXPECT_THAT(message_of(path), HasSubstr("'gates' has the shape"));
  file = whole;
  file.tensors["logits"] = Tensor(DType::kF32, {40, 15});
  write(file);
  EXPECT_THAT(message_of(path), HasSubstr("expected samples, exits, classes"));
}

TEST(LogitTableFile, WithANaNNamesSampleAndExitWhenItIsUsed) {
  const TempFolder folder;
  StoredTable stored = some_table();
  stored.table.logits[(17 * 3 + 2) * 5 + 4] = std::nanf("");
  write_logit_table(stored, folder / "t.safetensors");
  StoredTable read = read_logit_table(folder / "t.safetensors");
  read.table.exit_cost = stored.table.exit_cost;
  try {
    validate(read.table);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("logit nan at sample 17, exit 2"));
  }
}

TEST(LogitTableFile, OfAnotherModelIsRefused) {
  const Origin origin = some_table().origin;
  EXPECT_NO_THROW(check_table_of(origin, "00ff00ff00ff00ff", "t"));
  const auto message = [](const Origin& of) -> std::string {
    try {
      check_table_of(of, "1111111111111111", "t");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kFailedPrecondition);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message(origin), HasSubstr("is of another model, 00ff00ff00ff00ff, expected 1111111111111111"));
  EXPECT_THAT(message({}), HasSubstr("does not say which model"));
}

TEST(LogitTableFile, OfNumbersHoldsTargetsInThePlaceOfLabels) {
  const TempFolder folder;
  StoredTable written = some_table(2);
  LogitTable& table = written.table;
  table.classes = 1;
  table.logits.resize(80);
  table.labels.clear();
  table.targets.assign(40, 12.5F);
  table.targets[7] = -3;
  write_logit_table(written, folder / "t.safetensors");
  const Safetensors file = parse_safetensors(read_file(folder / "t.safetensors"), "t");
  EXPECT_FALSE(file.tensors.contains("labels"));
  const StoredTable read = read_logit_table(folder / "t.safetensors");
  EXPECT_EQ(read.table.targets, table.targets);
  EXPECT_TRUE(read.table.labels.empty());
}

}  // namespace
}  // namespace sooner
