// A policy that a program registers goes everywhere the library's go: choosing, replay, the model file and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "format/manifest.h"
#include "format/new_model.h"
#include "golden/tiny_model.h"
#include "policy/policy_kind.h"
#include "policy/rules/threshold_policy.h"
#include "policy/scores.h"
#include "support/error_of.h"
#include "tune/calibrate.h"
#include "tune/tables/random_table.h"
#include "tune/tables/score_table.h"

namespace sooner {
namespace {

using ::testing::HasSubstr;

// Scores a share of the margin.
class SharePolicy final : public ThresholdPolicy {
 public:
  explicit SharePolicy(const PolicySpec& spec) : ThresholdPolicy(spec), share_(spec.settings.number("share")) {}

 protected:
  [[nodiscard]] Opinion judge(const ExitObservation& seen, std::span<std::byte> /*state*/) const override {
    return {share_ * margin_score(seen.logits)};
  }

 private:
  double share_;
};

PolicyKind row(const std::string& name) {
  return {.name = name,
          .unit = {.name = "percent",
                   .to_score = [](double value, int32_t /*classes*/) { return value / 100; },
                   .from_score = [](double score, int32_t /*classes*/) { return 100 * score; }},
          .settings = {{.name = "share", .flag = "--share", .standard = 0.5, .low = 0, .high = 1},
                       {.name = "note", .standard = "none"},
                       {.name = "list", .standard = std::vector<double>{}},
                       {.name = "loud", .standard = false}},
          .make = [](const PolicySpec& spec, const PolicyContext& /*context*/) -> std::unique_ptr<const ExitPolicy> {
            return std::make_unique<SharePolicy>(spec);
          }};
}

// Once for every name in this program.
std::string registered(const std::string& name) {
  if (!is_policy(name)) register_policy(row(name));
  return name;
}

PolicySpec quarter(const std::string& name) {
  return {.name = registered(name),
          .settings = {{"share", 0.25}, {"note", "a quarter"}, {"list", std::vector<double>{1, 2.5}}, {"loud", true}}};
}

TEST(OwnPolicy, IsTunedAndReplayed) {
  const LogitTable table = random_logit_table(60, 500, 3, 4);
  const CalibrationRecord record =
      calibrate(table, quarter("share"), {.kind = CalibrationRule::Kind::kBudget, .value = 0.7});
  EXPECT_EQ(record.policy.settings, quarter("share").settings);
  const Replay replayed = replay(table, *make_policy(record.policy, policy_context(table)));
  EXPECT_EQ(replayed.quality, record.quality);
  EXPECT_LE(record.cost_fraction, 0.7);
  // A quarter of the margin: the thresholds of `margin` are four times as high.
  const CalibrationRecord margin = calibrate(
      table, {.name = "margin"}, {.kind = CalibrationRule::Kind::kBudget, .value = 0.7}, {.fit_temperatures = false});
  EXPECT_EQ(replayed.exit_index, replay(table, *make_policy(margin.policy, policy_context(table))).exit_index);
}

TEST(OwnPolicy, IsStoredAndReadBack) {
  Manifest manifest = tiny_model().manifest;
  manifest.policy = quarter("share");
  manifest.policy.thresholds = {Threshold::in("percent", 12.5)};
  manifest.policy.wrappers = {.cap = 1, .abstain_below = Threshold::in("percent", 5)};
  const std::string text = manifest_to_json(manifest);
  EXPECT_THAT(text, HasSubstr("\"format_version\":6"));
  EXPECT_THAT(text, HasSubstr("{\"unit\":\"percent\",\"values\":[12.5],\"scores\":[0.125]}"));
  const Manifest again = manifest_from_json(text, "t", 0);
  EXPECT_EQ(again.policy, in_scores(manifest.policy, 3));
  EXPECT_EQ(again.calibrations[0].policy, manifest.calibrations[0].policy);
  EXPECT_EQ(manifest_to_json(again), text);
}

TEST(OwnPolicy, ThatAProgramDoesNotKnowIsRefusedByName) {
  Manifest manifest = tiny_model().manifest;
  manifest.policy = {.name = "any", .parts = {quarter("share")}};
  manifest.policy.parts[0].thresholds = Threshold::scores({0.5});
  std::string text = manifest_to_json(manifest);
  text.replace(text.find("\"share\",\"thr"), 7, "\"shore\"");
  EXPECT_THAT(error_of([&] { manifest_from_json(text, "t", 0); }).what(),
              HasSubstr("policy.parts[0].name: got the policy 'shore', which this program does not know; register it "
                        "(register_policy) before it reads the file, or update sooner"));
}

TEST(OwnPolicy, IsReadStrictly) {
  Manifest manifest = tiny_model().manifest;
  manifest.policy = quarter("share");
  manifest.policy.thresholds = Threshold::scores({0.125});
  const std::string text = manifest_to_json(manifest);
  const auto refused = [&](const std::string& before, const std::string& after) {
    std::string changed = text;
    const size_t at = changed.find(before);
    EXPECT_NE(at, std::string::npos) << before;
    changed.replace(at, before.size(), after);
    return std::string(error_of([&] { manifest_from_json(changed, "t", 0); }).what());
  };
  EXPECT_THAT(refused("\"values\":[12.5]", "\"values\":[13]"),
              HasSubstr("policy.thresholds.values[0]: got 13, expected 12.5: the score beside it, which decides"));
  EXPECT_THAT(refused("\"values\":[12.5]", "\"values\":[12.5,1]"), HasSubstr("got 2 values, expected 1"));
  EXPECT_THAT(refused("\"values\":[12.5]", "\"values\":[\"nobody\"]"), HasSubstr("policy.thresholds.values[0]"));
  EXPECT_THAT(refused("\"scores\":[0.125]", "\"scores\":[\"inf\"]"), HasSubstr("policy.thresholds.values[0]"));
  EXPECT_THAT(refused("\"unit\":\"percent\"", "\"unit\":\"probability\""),
              HasSubstr("policy.thresholds.unit: got another unit than 'percent', in which 'share' is told"));
  EXPECT_THAT(refused("\"share\":0.25", "\"share\":\"much\""), HasSubstr("policy.settings.share"));
  EXPECT_THAT(refused("\"share\":0.25", "\"share\":2"), HasSubstr("'share' got share 2, expected 0 to 1"));
  EXPECT_THAT(refused("\"share\":0.25", "\"shared\":0.25"), HasSubstr("policy.settings"));
  EXPECT_THAT(refused("\"loud\":true", "\"loud\":1"), HasSubstr("policy.settings.loud"));
  EXPECT_THAT(refused("\"cap\":-1", "\"cup\":-1"), HasSubstr("policy.wrappers"));
}

TEST(OwnPolicy, MayBeRegisteredFromAnyThreadAndOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 8; ++i) {
        const std::string name = "threaded-" + std::to_string(t) + "-" + std::to_string(i);
        register_policy(row(name));
        EXPECT_EQ(policy_kind(name).name, name);
        EXPECT_FALSE(policy_names().empty());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(error_of([] { register_policy(row("threaded-0-0")); }).what(),
              HasSubstr("'threaded-0-0' is registered already; give the policy another name"));
}

}  // namespace
}  // namespace sooner
