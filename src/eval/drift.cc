#include "eval/drift.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/hash.h"
#include "core/rng.h"
#include "eval/chi_square.h"
#include "eval/rank_power.h"

namespace sooner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// In every bin, of the smaller sample; the usual rule for the approximation.
constexpr double kLeastExpected = 5;

struct Counts {
  std::vector<double> calibrated = {};  // [bins]
  std::vector<double> live = {};        // [bins]
};

double total(const std::vector<double>& counts) { return std::accumulate(counts.begin(), counts.end(), 0.0); }

// Joins neighbours by their common count alone, which says nothing about how they differ.
Counts joined(const Counts& counts) {
  const double smaller = std::min(total(counts.calibrated), total(counts.live));
  const double all = total(counts.calibrated) + total(counts.live);
  Counts result;
  if (smaller <= 0) return result;
  double calibrated = 0;
  double live = 0;
  for (size_t i = 0; i < counts.live.size(); ++i) {
    calibrated += counts.calibrated[i];
    live += counts.live[i];
    if ((calibrated + live) * smaller / all < kLeastExpected) continue;
    result.calibrated.push_back(calibrated);
    result.live.push_back(live);
    calibrated = live = 0;
  }
  if (!result.live.empty()) {
    result.calibrated.back() += calibrated;
    result.live.back() += live;
  }
  return result;
}

// The chi-square test of one look; as it was where fewer than two bins are left.
void compare(const Counts& counts, DriftTest& test) {
  const Counts bins = joined(counts);
  if (bins.live.size() < 2) return;
  const double calibrated = total(bins.calibrated);
  const double live = total(bins.live);
  test.degrees = static_cast<int32_t>(bins.live.size()) - 1;
  for (size_t i = 0; i < bins.live.size(); ++i) {
    // sum (a/A - b/B)^2 / ((a + b) / (A B))
    const double apart = bins.calibrated[i] / calibrated - bins.live[i] / live;
    test.statistic += apart * apart * calibrated * live / (bins.calibrated[i] + bins.live[i]);
  }
  test.p_value = chi_square_survival(test.statistic, test.degrees);
}

// The bin a score is counted in, as when the record was made.
size_t bin_of(const CalibrationRecord& record, size_t exit, double score) {
  const double low = record.histogram_low[exit];
  const double high = record.histogram_high[exit];
  const auto bins = static_cast<double>(record.score_histograms[exit].size());
  const double place = high > low ? (score - low) / (high - low) * bins : 0;
  return static_cast<size_t>(std::clamp(place, 0.0, bins - 1.0));
}

void check(const CalibrationRecord& record, const DriftOptions& options) {
  if (!(options.false_alarm > 0 && options.false_alarm <= 0.5)) {
    fail(Code::kInvalidArgument, "[drift] got false-alarm rate {}, expected more than 0 and at most 0.5",
         options.false_alarm);
  }
  if (!(options.power > options.false_alarm && options.power < 1)) {
    fail(Code::kInvalidArgument, "[drift] got power {}, expected more than the false-alarm rate and less than 1",
         options.power);
  }
  if (!(options.shift > 0 && options.shift < 1)) {
    fail(Code::kInvalidArgument, "[drift] got shift {}, expected a number between 0 and 1, both left out",
         options.shift);
  }
  if (record.score_histograms.empty() || record.samples < 1) {
    fail(Code::kFailedPrecondition,
         "[drift] the calibration of '{}' ({}) holds no scores; run `sooner tune` with a policy that scores",
         record.policy.name, rule_text(record, 2));
  }
  if (record.policy.thresholds.size() + 1 != record.exit_shares.size()) {
    fail(Code::kFailedPrecondition,
         "[drift] the calibration of '{}' ({}) has no threshold for each exit (thresholds by class?), so the scores of "
         "those who left are not known; tune by another rule",
         record.policy.name, rule_text(record, 2));
  }
}

int64_t seen(const RankBetsState& state) { return std::accumulate(state.seen.begin(), state.seen.end(), int64_t{0}); }

void check_state(const DriftState& state, const std::string& identity, const DriftOptions& options,
                 size_t comparisons) {
  if (state.record != identity) {
    fail(Code::kFailedPrecondition,
         "[drift] the state is of the calibration {}, expected {}; keep one state for each calibration", state.record,
         identity);
  }
  if (state.false_alarm != options.false_alarm) {
    fail(Code::kFailedPrecondition,
         "[drift] got false-alarm rate {}, expected {} as agreed on when the state was begun; begin another to change "
         "it",
         options.false_alarm, state.false_alarm);
  }
  const bool fits = state.comparisons.size() == comparisons && std::isfinite(state.log_evidence) &&
                    (!state.alarm_at || (*state.alarm_at > 0 && *state.alarm_at <= state.answers));
  // Every answer is counted among the exits, and among the scores of one.
  if (!fits || seen(state.comparisons.front()) != state.answers) {
    fail(Code::kFailedPrecondition, "[drift] the state does not fit its calibration; begin another");
  }
}

}  // namespace

std::string record_identity(const CalibrationRecord& record) {
  return hash_hex(
      hash_bytes(fmt::format("{} {} {} {} {} {} {} {} {} {} {}", record.policy.name,
                             scores_of(record.policy.thresholds), record.policy.temperatures, to_string(record.rule),
                             record.origin.split_hash, record.samples, record.origin.precision, record.exit_shares,
                             record.score_histograms, record.histogram_low, record.histogram_high)));
}

std::vector<int64_t> leaver_histogram(const CalibrationRecord& record, size_t exit) {
  std::vector<int64_t> counts = record.score_histograms[exit];
  if (exit + 1 == record.exit_shares.size()) return counts;
  const double threshold = record.policy.thresholds.at(exit).as_score();
  const int64_t left = std::llround(record.exit_shares[exit] * static_cast<double>(record.samples));
  if (threshold == kInfinity || left == 0) {
    std::ranges::fill(counts, 0);
    return counts;
  }
  if (threshold <= record.histogram_low[exit]) return counts;
  const size_t first = bin_of(record, exit, threshold);
  const int64_t above = std::accumulate(counts.begin() + static_cast<int64_t>(first) + 1, counts.end(), int64_t{0});
  std::fill_n(counts.begin(), first, 0);
  if (above > left || left - above > counts[first]) {
    fail(Code::kFailedPrecondition,
         "[drift] the calibration's scores and shares at exit {} do not fit: {} samples left, {} scored above; run "
         "`sooner tune` again",
         exit, left, above);
  }
  counts[first] = left - above;
  return counts;
}

DriftWatch::DriftWatch(CalibrationRecord record, const DriftOptions& options, std::optional<DriftState> state)
    : record_(std::move(record)), options_(options) {
  check(record_, options_);
  const size_t exits = record_.exit_shares.size();
  const std::string identity = record_identity(record_);
  if (state) check_state(*state, identity, options_, exits + 1);
  const auto add = [&](std::string what, std::vector<int64_t> sample) {
    const size_t i = comparisons_.size();
    std::optional<RankBetsState> seen;
    if (state) seen = std::move(state->comparisons[i]);
    comparisons_.push_back(
        {std::move(what), RankBets(std::move(sample), Rng({hash_bytes(identity), i}).next(), std::move(seen))});
    betting_ += comparisons_.back().bets.betting() ? 1 : 0;
  };
  std::vector<std::vector<int64_t>> scores;
  std::vector<int64_t> shares;
  for (size_t k = 0; k < exits; ++k) {
    scores.push_back(leaver_histogram(record_, k));
    shares.push_back(std::accumulate(scores[k].begin(), scores[k].end(), int64_t{0}));
  }
  add("exit shares", shares);
  for (size_t k = 0; k < exits; ++k) add(fmt::format("scores at exit {}", k), std::move(scores[k]));
  if (betting_ == 0) {
    fail(Code::kFailedPrecondition,
         "[drift] the calibration of '{}' ({}) has one exit and one score: nothing to compare", record_.policy.name,
         rule_text(record_, 2));
  }
  if (state) {
    answers_ = state->answers;
    log_evidence_ = state->log_evidence;
    alarm_at_ = state->alarm_at;
  }
}

void DriftWatch::add(const LiveAnswer& answer) {
  if (answer.exit_index < 0 || static_cast<size_t>(answer.exit_index) >= record_.exit_shares.size()) {
    fail(Code::kInvalidArgument, "[drift] got exit {} for answer {}, expected 0 to {}", answer.exit_index, answers_,
         record_.exit_shares.size() - 1);
  }
  if (!std::isfinite(answer.score)) {
    fail(Code::kInvalidArgument, "[drift] got score {} for answer {}, expected a number", answer.score, answers_);
  }
  const auto k = static_cast<size_t>(answer.exit_index);
  comparisons_[0].bets.add(k);
  comparisons_[1 + k].bets.add(bin_of(record_, k, answer.score));
  ++answers_;
  settle();
}

void DriftWatch::settle() {
  double largest = 0;
  for (const Comparison& each : comparisons_) largest = std::max(largest, each.bets.log_wealth());
  double sum = 0;
  for (const Comparison& each : comparisons_) {
    if (each.bets.betting()) sum += std::exp(each.bets.log_wealth() - largest);
  }
  log_evidence_ = std::max(log_evidence_, largest + std::log(sum / betting_));
  if (!alarm_at_ && log_evidence_ >= -std::log(options_.false_alarm)) alarm_at_ = answers_;
}

DriftTest DriftWatch::judge(const Comparison& comparison) const {
  const RankBets& bets = comparison.bets;
  const std::vector<int64_t>& seen = bets.state().seen;
  DriftTest test{.what = comparison.what,
                 .calibrated = std::accumulate(bets.sample().begin(), bets.sample().end(), int64_t{0}),
                 .live = bets.values(),
                 .log_evidence = bets.state().log_peak};
  compare({.calibrated = {bets.sample().begin(), bets.sample().end()}, .live = {seen.begin(), seen.end()}}, test);
  const double log_wanted = -std::log(options_.false_alarm);
  test.alarm = alarm_at_.has_value() && test.log_evidence >= log_wanted;
  const RankTest found{.cut = middle_cut(bets.sample()),
                       .sample = test.calibrated,
                       .log_wanted = log_wanted + std::log(betting_),
                       .power = options_.power};
  test.detectable = found_shift(found, test.live).value_or(1);
  if (const auto values = values_to_find(found, options_.shift)) {
    // Of all answers, so many go to this exit.
    const double others = static_cast<double>(record_.samples) / static_cast<double>(test.calibrated);
    test.needed = static_cast<int64_t>(std::ceil(static_cast<double>(*values) * others));
  }
  return test;
}

DriftReport DriftWatch::report() const {
  if (answers_ == 0) {
    fail(Code::kFailedPrecondition, "[drift] got 0 answers, expected some to compare with {} calibration samples",
         record_.samples);
  }
  DriftReport report{.answers = answers_,
                     .log_evidence = log_evidence_,
                     .log_wanted = -std::log(options_.false_alarm),
                     .alarm_at = alarm_at_};
  for (const Comparison& each : comparisons_) {
    if (each.bets.betting()) {
      report.tests.push_back(judge(each));
    } else {
      report.left_out.push_back(each.what);
    }
  }
  return report;
}

DriftState DriftWatch::state() const {
  DriftState state{.record = record_identity(record_),
                   .false_alarm = options_.false_alarm,
                   .answers = answers_,
                   .log_evidence = log_evidence_,
                   .alarm_at = alarm_at_};
  for (const Comparison& each : comparisons_) state.comparisons.push_back(each.bets.state());
  return state;
}

DriftReport detect_drift(const CalibrationRecord& record, std::span<const LiveAnswer> answers,
                         const DriftOptions& options) {
  DriftWatch watch(record, options);
  for (const LiveAnswer& answer : answers) watch.add(answer);
  return watch.report();
}

}  // namespace sooner
