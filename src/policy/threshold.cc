#include "policy/threshold.h"

#include "core/error.h"

namespace sooner {

std::vector<Threshold> Threshold::scores(std::span<const double> values) {
  std::vector<Threshold> thresholds;
  thresholds.reserve(values.size());
  for (const double value : values) thresholds.push_back(score(value));
  return thresholds;
}

std::vector<Threshold> Threshold::all_in(const std::string& unit, std::initializer_list<double> values) {
  std::vector<Threshold> thresholds;
  for (const double value : values) thresholds.push_back(in(unit, value));
  return thresholds;
}

double Threshold::as_score() const {
  if (unit_.empty()) return value_;
  fail(Code::kInvalidArgument, "[policy] got a threshold of {} {}, expected a score; put the spec through in_scores",
       value_, unit_);
}

std::vector<double> scores_of(std::span<const Threshold> thresholds) {
  std::vector<double> scores;
  scores.reserve(thresholds.size());
  for (const Threshold& threshold : thresholds) scores.push_back(threshold.as_score());
  return scores;
}

}  // namespace sooner
