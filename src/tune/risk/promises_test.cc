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
}

TEST(NextPromise, CountsPromisesInExpectationApart) {
  const RiskTerms expected{.level = 0.1};
  EXPECT_EQ(next_promise("01", expected, std::vector{made(1, terms(0.05, 1))}), 1);
  EXPECT_THAT(refusal(expected, {made(1, expected)}), HasSubstr("promise 2 in expectation"));
}

TEST(CheckPromisesKept, LetsOnlyALaterPromiseOnTheSameSamplesTakeAPlace) {
  CalibrationRecord old = made(2, terms(0.05, 3));
  old.name = "p";
  const std::vector records = {old};
  const auto refused = [&](CalibrationRecord by) {
    by.name = "p";
    return message_of(Code::kFailedPrecondition, [&] { check_promises_kept(by, records); });
  };
  CalibrationRecord without;
  without.policy.name = "margin";
  EXPECT_THAT(refused(without), HasSubstr("'p' holds promise 2 of 3 on the samples 01, which would count no more"));
  EXPECT_THAT(refused(made(1, terms(0.05, 3))), HasSubstr("promise 2"));
  EXPECT_THAT(refused(made(3, terms(0.05, 3), "02")), HasSubstr("promise 2"));
  EXPECT_THAT(refused(made(2, {.level = 0.1})), HasSubstr("promise 2"));
  CalibrationRecord later = made(3, terms(0.05, 3));
  later.name = "p";
  EXPECT_NO_THROW(check_promises_kept(later, records));
  without.name = "q";
  EXPECT_NO_THROW(check_promises_kept(without, records));
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
                         [&] { check_room_for_promise("01", {.name = "vote"}, rule(terms(0.2, 2)), "fp32", records); }),
              HasSubstr("promise 3"));
  EXPECT_NO_THROW(check_room_for_promise("01", {.name = "margin"}, rule(terms(0.2, 2)), "fp32", records));
  EXPECT_EQ(withdraw_promises("01", records), 2);
  EXPECT_EQ(make("vote"), 1);
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
