#include "eval/drift.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "eval/chi_square.h"

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

// Without p-value thresholds, which depend on how many tests there are. Nothing with fewer than two bins.
std::optional<DriftTest> compare(const std::string& what, const Counts& counts) {
  const Counts bins = joined(counts);
  if (bins.live.size() < 2) return std::nullopt;
  const double calibrated = total(bins.calibrated);
  const double live = total(bins.live);
  DriftTest test{.what = what,
                 .calibrated = std::llround(calibrated),
                 .live = std::llround(live),
                 .degrees = static_cast<int32_t>(bins.live.size()) - 1};
  for (size_t i = 0; i < bins.live.size(); ++i) {
    // sum (a/A - b/B)^2 / ((a + b) / (A B))
    const double apart = bins.calibrated[i] / calibrated - bins.live[i] / live;
    test.statistic += apart * apart * calibrated * live / (bins.calibrated[i] + bins.live[i]);
  }
  test.p_value = chi_square_survival(test.statistic, test.degrees);
  return test;
}

// Both samples in the same single bin, and enough of them to say so.
bool all_in_one_bin(const Counts& counts) {
  size_t used = 0;
  for (size_t i = 0; i < counts.live.size(); ++i) used += counts.calibrated[i] + counts.live[i] > 0 ? 1 : 0;
  return used == 1 && std::min(total(counts.calibrated), total(counts.live)) >= kLeastExpected;
}

// answers: all there are, of which the test's live samples are a share.
void judge(const DriftOptions& options, double alpha, size_t answers, DriftTest& test) {
  test.alarm = test.p_value < alpha;
  const auto calibrated = static_cast<double>(test.calibrated);
  const auto live = static_cast<double>(test.live);
  const double noncentrality = detectable_noncentrality(alpha, options.power, test.degrees);
  test.detectable = std::min(1.0, std::sqrt(noncentrality * (calibrated + live) / (calibrated * live)) / 2);
  // Both samples err: A B / (A + B) samples against a known distribution.
  const double effective = noncentrality / (4 * options.shift * options.shift);
  if (calibrated > effective) {
    const double here = effective * calibrated / (calibrated - effective);
    test.needed = static_cast<int64_t>(std::ceil(here * static_cast<double>(answers) / live));
  }
}

// The bin a score is counted in, as when the record was made.
size_t bin_of(const CalibrationRecord& record, size_t exit, double score) {
  const double low = record.histogram_low[exit];
  const double high = record.histogram_high[exit];
  const auto bins = static_cast<double>(record.score_histograms[exit].size());
  const double place = high > low ? (score - low) / (high - low) * bins : 0;
  return static_cast<size_t>(std::clamp(place, 0.0, bins - 1.0));
}

void check(const CalibrationRecord& record, std::span<const LiveAnswer> answers, const DriftOptions& options) {
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
         record.policy.name, record.rule);
  }
  if (record.policy.thresholds.size() + 1 != record.exit_shares.size()) {
    fail(Code::kFailedPrecondition,
         "[drift] the calibration of '{}' ({}) has no threshold for each exit (thresholds by class?), so the scores of "
         "those who left are not known; tune by another rule",
         record.policy.name, record.rule);
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].exit_index < 0 || static_cast<size_t>(answers[i].exit_index) >= record.exit_shares.size()) {
      fail(Code::kInvalidArgument, "[drift] got exit {} for answer {}, expected 0 to {}", answers[i].exit_index, i,
           record.exit_shares.size() - 1);
    }
    if (!std::isfinite(answers[i].score)) {
      fail(Code::kInvalidArgument, "[drift] got score {} for answer {}, expected a number", answers[i].score, i);
    }
  }
}

}  // namespace

bool DriftReport::drifted() const {
  return std::ranges::any_of(tests, [](const DriftTest& test) { return test.alarm; });
}

std::vector<int64_t> leaver_histogram(const CalibrationRecord& record, size_t exit) {
  std::vector<int64_t> counts = record.score_histograms[exit];
  if (exit + 1 == record.exit_shares.size()) return counts;
  const double threshold = record.policy.thresholds.at(exit);
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

DriftReport detect_drift(const CalibrationRecord& record, std::span<const LiveAnswer> answers,
                         const DriftOptions& options) {
  check(record, answers, options);
  const size_t exits = record.exit_shares.size();
  Counts shares{.calibrated = std::vector<double>(exits), .live = std::vector<double>(exits)};
  std::vector<Counts> scores(exits);
  for (size_t k = 0; k < exits; ++k) {
    const std::vector<int64_t> counts = leaver_histogram(record, k);
    scores[k].calibrated.assign(counts.begin(), counts.end());
    scores[k].live.assign(counts.size(), 0);
    shares.calibrated[k] = total(scores[k].calibrated);
  }
  for (const LiveAnswer& answer : answers) {
    const auto k = static_cast<size_t>(answer.exit_index);
    ++shares.live[k];
    ++scores[k].live[bin_of(record, k, answer.score)];
  }
  DriftReport report;
  const auto add = [&](const std::string& what, const Counts& counts) {
    if (const auto test = compare(what, counts)) {
      report.tests.push_back(*test);
    } else if (all_in_one_bin(counts)) {
      report.alike.push_back(what);
    } else {
      report.left_out.push_back(what);
    }
  };
  add("exit shares", shares);
  for (size_t k = 0; k < exits; ++k) add(fmt::format("scores at exit {}", k), scores[k]);
  if (report.tests.empty() && report.alike.empty()) {
    fail(Code::kFailedPrecondition,
         "[drift] got {} answers against {} calibration samples: too few to compare; collect more", answers.size(),
         record.samples);
  }
  const double alpha = options.false_alarm / static_cast<double>(report.tests.size());
  for (DriftTest& test : report.tests) judge(options, alpha, answers.size(), test);
  return report;
}

}  // namespace sooner
