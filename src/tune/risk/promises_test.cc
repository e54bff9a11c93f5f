#include "tune/risk/promises.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/message_of.h"
#include "tune/calibrate.h"
#include "tune/tables/random_table.h"

namespace sooner {
namespace {

using ::testing::HasSubstr;

RiskTerms terms(double delta, int64_t promises) { return {.level = 0.1, .delta = delta, .promises = promises}; }

CalibrationRecord made(int64_t number, const RiskTerms& declared, const char* split_hash = "01") {
  CalibrationRecord record;
  record.policy.name = "margin";
  record.rule = {.kind = CalibrationRule::Kind::kRisk, .risk = declared};
  record.guarantee = RiskGuarantee{.samples = 100, .split_hash = split_hash, .number = number};
  return record;
}

std::string refusal(const RiskTerms& asked, const std::vector<CalibrationRecord>& records) {
  return message_of(Code::kFailedPrecondition, [&] { static_cast<void>(next_promise("01", asked, records)); });
}

TEST(NextPromise, CountsThoseOnTheSameSamplesUpToTheNumberDeclared) {
  EXPECT_EQ(next_promise("01", terms(0.05, 1), {}), 1);
  EXPECT_EQ(next_promise("01", terms(0.05, 3), std::vector{made(1, terms(0.05, 3))}), 2);
  EXPECT_EQ(next_promise("01", terms(0.05, 1), std::vector{made(1, terms(0.1, 2), "02")}), 1);
  EXPECT_THAT(refusal(terms(0.05, 1), {made(1, terms(0.05, 1))}), HasSubstr("got promise 2 on the samples 01"));
  EXPECT_THAT(refusal(terms(0.05, 3), {made(1, terms(0.05, 3)), made(3, terms(0.05, 3))}), HasSubstr("promise 4"));
}

TEST(NextPromise, RefusesAnotherDeltaOrNumberThanWasDeclared) {
  EXPECT_THAT(refusal(terms(0.05, 2), {made(1, terms(0.05, 3))}),
              HasSubstr("got delta 0.05 for 2 promises, expected delta 0.05 for 3"));
  EXPECT_THAT(refusal(terms(0.1, 3), {made(1, terms(0.05, 3))}), HasSubstr("got delta 0.1 for 3 promises"));
  EXPECT_THAT(refusal(terms(0.1, 3), {made(1, terms(0.05, 3))}), HasSubstr("(2 of them left)"));
  // Whatever is declared now, no promise is left: to give what was declared would not help.
  EXPECT_THAT(refusal(terms(0.05, 4), {made(2, terms(0.05, 2))}), HasSubstr("got promise 3 on the samples 01"));
}

TEST(NextPromise, CountsPromisesInExpectationApart) {
  const RiskTerms expected{.level = 0.1};
  EXPECT_EQ(next_promise("01", expected, std::vector{made(1, terms(0.05, 1))}), 1);
  EXPECT_THAT(refusal(expected, {made(1, expected)}), HasSubstr("promise 2 in expectation"));
}

TEST(RiskTerms, ShareTheirDelta) {
  // No loss among n: (1 - .1)^n <= .05 from n = 29 on, <= .025 from n = 36.
  EXPECT_EQ(risk_samples_needed(terms(0.05, 1)), 29);
  EXPECT_EQ(risk_samples_needed(terms(0.05, 2)), 36);
  EXPECT_THAT(message_of(Code::kFailedPrecondition, [] { check_risk_samples(terms(0.05, 2), 35); }),
              HasSubstr("expected at least 36"));
  // One loss among 60: P(X <= 1) = .9^60 + 60 * .1 * .9^59 = .01378 passes .05 / 3, not .05 / 4.
  EXPECT_GE(largest_passing_risk(terms(0.05, 3), 60), 1 / 60.0);
  EXPECT_LT(largest_passing_risk(terms(0.05, 4), 60), 1 / 60.0);
  EXPECT_THAT(message_of(Code::kInvalidArgument, [] { check_risk_terms({.level = 0.1, .promises = 2}); }),
              HasSubstr("no more without a delta to share"));
}

StoredTable stored(uint64_t seed, const char* split_hash) {
  return {.table = random_logit_table(seed, 400, 3, 4), .origin = {.split_hash = split_hash, .precision = "fp32"}};
}

CalibrationRule rule(const RiskTerms& of) { return {.kind = CalibrationRule::Kind::kRisk, .risk = of}; }

TEST(PromiseNumber, OfOneMadeAgainIsTheSameOneAndMadeOtherwiseAnother) {
  const StoredTable tune = stored(1, "00"), guarantee = stored(2, "01");
  const Origin engine{.precision = "fp32"};
  std::vector<CalibrationRecord> records;
  const auto make = [&](const char* policy, CalibrateOptions options = {}) {
    options.beside = records;
    add_record(records, calibrate({tune, guarantee}, {.name = policy}, rule(terms(0.2, 2)), options));
    return records.back().guarantee->number;
  };
  EXPECT_EQ(make("margin"), 1);
  EXPECT_EQ(make("margin"), 1);
  EXPECT_EQ(make("max-prob"), 2);
  EXPECT_EQ(make("max-prob"), 2);
  EXPECT_EQ(records.size(), 2U);
  const auto again = [&] { make("max-prob", {.fit_temperatures = false}); };
  EXPECT_THAT(message_of(Code::kFailedPrecondition, again), HasSubstr("promise 3 on the samples 01"));
  EXPECT_THAT(message_of(Code::kFailedPrecondition,
                         [&] { check_room_for_promise("01", {.name = "vote"}, rule(terms(0.2, 2)), engine, records); }),
              HasSubstr("promise 3"));
  EXPECT_NO_THROW(check_room_for_promise("01", {.name = "margin"}, rule(terms(0.2, 2)), engine, records));
  // By other weights it is another promise, which is said before anything is computed.
  const Origin others{.weights_hash = "other", .precision = "fp32"};
  EXPECT_THAT(
      message_of(Code::kFailedPrecondition,
                 [&] { check_room_for_promise("01", {.name = "margin"}, rule(terms(0.2, 2)), others, records); }),
      HasSubstr("promise 3"));
  EXPECT_EQ(withdraw_promises("01", records), 2);
  EXPECT_EQ(make("vote", {.withdrawn = 2}), 1);
}

TEST(WithdrawPromises, AreNeverForgotten) {
  const StoredTable tune = stored(1, "00"), guarantee = stored(2, "01");
  std::vector<CalibrationRecord> records = {made(1, terms(0.2, 2)), made(2, terms(0.2, 2)),
                                            made(1, terms(0.2, 1), "02")};
  const int64_t withdrawn = withdraw_promises("01", records);
  EXPECT_EQ(withdrawn, 2);
  ASSERT_EQ(records.size(), 1U);
  const auto make = [&](const char* policy, int64_t now) {
    const CalibrateOptions options{.beside = records, .withdrawn = now};
    add_record(records, calibrate({tune, guarantee}, {.name = policy}, rule(terms(0.2, 2)), options));
    return *records.back().guarantee;
  };
  EXPECT_EQ(make("margin", withdrawn).withdrawn, 2);
  EXPECT_EQ(make("max-prob", 0).withdrawn, 2) << "a promise beside it rests on the same samples";
  EXPECT_EQ(withdrawn_before("01", records), 2);
  EXPECT_EQ(withdrawn_before("02", records), 0);
  EXPECT_EQ(withdraw_promises("01", records), 4);
}

TEST(Promises, OfSeveralAllHoldAtOnce) {
  // Six promises that have nothing to do with one another: made alone, each may fail in two fifths of the draws, and
  // so some one of them in far more.
  constexpr int kDraws = 200, kPromises = 6;
  constexpr double kDelta = 0.4;
  constexpr int64_t kPopulation = 2000, kSamples = 150;
  std::vector<LogitTable> populations;
  for (uint64_t seed = 1; seed <= kPromises; ++seed) populations.push_back(random_logit_table(seed, kPopulation, 2, 3));
  const auto any_broken = [&](int64_t promises) {
    int broken = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      Rng rng({7, static_cast<uint64_t>(draw)});
      std::vector<int64_t> chosen(2 * kSamples);
      for (int64_t& n : chosen) n = static_cast<int64_t>(rng.below(kPopulation));
      bool any = false;
      for (const LogitTable& population : populations) {
        const LogitTable tune = of_samples(population, std::span(chosen).first(kSamples));
        const LogitTable guarantee = of_samples(population, std::span(chosen).last(kSamples));
        const RiskTerms asked{.level = 0.2, .delta = kDelta, .promises = promises};
        const CalibrationRecord record =
            calibrate({tune, guarantee}, {.name = "margin"}, rule(asked), {.fit_temperatures = false});
        const ScoreTable scores = score_table(population, record.policy);
        const ExitLosses losses = exit_losses(scores, RiskLoss::kDiffers);
        const std::vector<int32_t> taken = exits_taken(scores, scores_of(record.policy.thresholds));
        double risk = 0;
        for (size_t n = 0; n < taken.size(); ++n) risk += losses[static_cast<size_t>(taken[n])][n] / kPopulation;
        any = any || risk > asked.level;
      }
      broken += any ? 1 : 0;
    }
    return static_cast<double>(broken) / kDraws;
  };
  const double margin = 3 * std::sqrt(kDelta * (1 - kDelta) / kDraws);
  EXPECT_LE(any_broken(kPromises), kDelta + margin);
  EXPECT_GT(any_broken(1), kDelta + margin) << "the test would not see a missing share";
}

}  // namespace
}  // namespace sooner
