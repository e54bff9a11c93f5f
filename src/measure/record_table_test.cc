#include "measure/record_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "format/model_file.h"
#include "runtime/session.h"
#include "support/glyph_model.h"
#include "support/message_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Recorded {
  ModelFile file = test::glyph_model();
  std::shared_ptr<const Model> model = Model::from_file(file, {.backend = "ref"});
  ModelData data = open_model_data(file.manifest);
  StoredTable stored = record_table(model, data, data.splits.tune, 8);
};

TEST(RecordTable, HoldsEveryExitsLogitsAndWhereTheyCameFrom) {
  const Recorded r;
  const LogitTable& table = r.stored.table;
  EXPECT_EQ(table.samples, 8);
  EXPECT_EQ(table.exits, 2);
  EXPECT_EQ(table.exit_cost, r.model->cost().exit_fraction);
  EXPECT_EQ(r.stored.origin.weights_hash, model_hash(r.file));
  EXPECT_EQ(r.stored.origin.split, "tune");
  EXPECT_EQ(r.stored.origin.split_hash, r.data.splits.tune.hash);
  EXPECT_EQ(r.stored.origin.precision, "fp32");
  EXPECT_EQ(r.stored.origin.backend, "ref");
  // The last exit's are those that everybody answers with who goes all the way.
  const Batch samples = load_all(r.file.manifest, r.data, r.data.splits.tune, 8);
  Session session(r.model, make_policy({.name = "never"}, policy_context(r.file.manifest)));
  const std::span<const Result> results = session.run(samples.images, samples.n);
  for (int64_t n = 0; n < 8; ++n) {
    const std::span<const float> logits = table.at(n, 1);
    EXPECT_EQ(std::max_element(logits.begin(), logits.end()) - logits.begin(), results[static_cast<size_t>(n)].label);
    EXPECT_EQ(table.labels[static_cast<size_t>(n)], samples.labels[static_cast<size_t>(n)]);
  }
}

TEST(LoadTable, GivesBackWhatWasRecordedWithTheModelsCosts) {
  const TempFolder folder;
  const Recorded r;
  write_logit_table(r.stored, folder / "tune.t");
  const StoredTable loaded = load_table(folder / "tune.t", r.file);
  EXPECT_EQ(loaded.origin, r.stored.origin);
  EXPECT_EQ(loaded.table.exit_cost, r.stored.table.exit_cost);
  EXPECT_EQ(loaded.table.head_cost, r.stored.table.head_cost);
  EXPECT_TRUE(std::ranges::equal(loaded.table.all_logits(), r.stored.table.all_logits()));
}

TEST(LoadTable, RefusesWhatDoesNotFitTheModel) {
  const TempFolder folder;
  const Recorded r;
  write_logit_table(r.stored, folder / "tune.t");
  const auto refused = [&](Code code, const ModelFile& file) {
    return message_of(code, [&] { load_table(folder / "tune.t", file); });
  };
  EXPECT_THAT(refused(Code::kFailedPrecondition, test::glyph_model(2)), HasSubstr("tune.t"));
  StoredTable bad = r.stored;
  bad.table.labels[3] = 10;
  write_logit_table(bad, folder / "tune.t");
  EXPECT_THAT(refused(Code::kInvalidArgument, r.file),
              HasSubstr("[logit table '" + (folder / "tune.t").string() + "']"));
  bad = r.stored;
  bad.origin.precision = "fp23";
  write_logit_table(bad, folder / "tune.t");
  EXPECT_THAT(refused(Code::kInvalidArgument, r.file), HasSubstr("fp23"));
  bad = r.stored;
  bad.table.classes = 5;
  bad.table.samples = 16;
  bad.table.gates.resize(16, NAN);
  bad.table.labels.resize(16);
  write_logit_table(bad, folder / "tune.t");
  EXPECT_THAT(refused(Code::kDataLoss, r.file), HasSubstr("logits of 2 exits and 5 classes, expected 2 and 10"));
}

TEST(StageTimes, AddUpOverTheStages) {
  LogitTable table{.samples = 2, .exits = 3};
  set_times(table, {0.5, 0.25, 1});
  EXPECT_THAT(table.stage_seconds, ElementsAre(0.5, 0.25, 1));
  EXPECT_THAT(table.elapsed_seconds, ElementsAre(0.5, 0.75, 1.75, 0.5, 0.75, 1.75));
  for (const std::vector<double>& bad : {std::vector<double>{1, 1}, {1, 1, -1}, {1, 1, NAN}}) {
    EXPECT_THAT(message_of(Code::kInvalidArgument, [&] { set_times(table, bad); }),
                HasSubstr("expected 3 numbers from 0, one per stage"));
  }
}

}  // namespace
}  // namespace sooner
