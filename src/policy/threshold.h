// A threshold and the unit it is told in. A bare number is none: 0.9 is a probability to one reader and log-odds to
// another, and a policy that is given the wrong one moves without a word.
//
// Knows no policy: which units one takes is its row's to say (policy_kind.h), and make_policy refuses the others.
#pragma once

#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace sooner {

// A value, safe to share between threads.
class Threshold {
 public:
  // On the policy's own scale, larger is surer: what files hold and tuning finds. -inf: everybody leaves, +inf: nobody.
  static Threshold score(double value) { return {std::string(), value}; }
  // Of the answer (max-prob, ensemble, learned), 0 to 1.
  static Threshold probability(double value) { return {"probability", value}; }
  // Of entropy (entropy): who has at most so much leaves. From 0.
  static Threshold nats(double value) { return {"nats", value}; }
  // In any policy's unit by its name, ThresholdUnit::name: "margin", "gate", one's own.
  static Threshold in(std::string unit, double value) { return {std::move(unit), value}; }
  static Threshold nobody() { return score(std::numeric_limits<double>::infinity()); }
  static Threshold everybody() { return score(-std::numeric_limits<double>::infinity()); }
  // One of each score.
  static std::vector<Threshold> scores(std::span<const double> values);
  static std::vector<Threshold> scores(std::initializer_list<double> values) {
    return scores(std::span(values.begin(), values.size()));
  }
  // `values` in the unit of that name.
  static std::vector<Threshold> all_in(const std::string& unit, std::initializer_list<double> values);

  // Empty: it is a score.
  [[nodiscard]] const std::string& unit() const { return unit_; }
  [[nodiscard]] double value() const { return value_; }
  // Throws kInvalidArgument for one that is told in a unit: `in_scores` (threshold_units.h) makes a score of it.
  [[nodiscard]] double as_score() const;

  bool operator==(const Threshold&) const = default;

 private:
  Threshold(std::string unit, double value) : unit_(std::move(unit)), value_(value) {}
  std::string unit_;
  double value_;
};

// Of each as_score().
std::vector<double> scores_of(std::span<const Threshold> thresholds);

}  // namespace sooner
