// The common half of every policy that scores an exit and compares the score with that exit's threshold.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "policy/exit_policy.h"

namespace sooner {

// Immutable; a derived class gives the score, and the answer where it is not the exit's own.
class ThresholdPolicy : public ExitPolicy {
 public:
  // REQUIRES: temperatures [K], thresholds [K-1] or class_thresholds [K-1][C], as scores.
  explicit ThresholdPolicy(const PolicySpec& spec)
      : name_(spec.name), thresholds_(scores_of(spec.thresholds)), temperatures_(spec.temperatures) {
    for (const std::vector<Threshold>& row : spec.class_thresholds) class_thresholds_.push_back(scores_of(row));
  }

  [[nodiscard]] std::string_view name() const final { return name_; }

  // Where nobody may leave, the answer is only of use to who remembers it.
  [[nodiscard]] bool needs_exit(int32_t exit_index) const final {
    return is_last(exit_index) || remembers() || anybody_leaves(exit_index);
  }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const final {
    const Opinion opinion = judge(observation, state);
    // The verdict compares the float it reports, so a log of scores tells what happened.
    ExitVerdict verdict{
        .score = static_cast<float>(opinion.score), .label = opinion.label, .probability = opinion.probability};
    if (is_last(observation.exit_index)) {
      verdict.left = Left::kAtLastExit;
    } else if (passes(verdict.score, threshold(observation, verdict))) {
      verdict.left = Left::kByPolicy;
    }
    return verdict;
  }

 protected:
  struct Opinion {
    double score = 0;  // larger is surer; at the last exit it is only reported
    // As in ExitVerdict.
    int32_t label = -1;
    float probability = std::numeric_limits<float>::quiet_NaN();
  };
  [[nodiscard]] virtual Opinion judge(const ExitObservation& observation, std::span<std::byte> state) const = 0;
  [[nodiscard]] double temperature(int32_t exit_index) const { return temperatures_[static_cast<size_t>(exit_index)]; }
  [[nodiscard]] bool is_last(int32_t exit_index) const {
    return static_cast<size_t>(exit_index) + 1 >= temperatures_.size();
  }

  // Whether what an exit says bears on decisions at later ones. False for scores of one exit's own.
  [[nodiscard]] virtual bool remembers() const { return true; }

 private:
  // Whether some score passes some threshold there.
  [[nodiscard]] bool anybody_leaves(int32_t exit_index) const {
    const auto exit = static_cast<size_t>(exit_index);
    const auto open = [](double threshold) { return threshold < std::numeric_limits<double>::infinity(); };
    return class_thresholds_.empty() ? open(thresholds_[exit]) : std::ranges::any_of(class_thresholds_[exit], open);
  }

  // Infinite thresholds are promises that hold for infinite and NaN scores too; otherwise a NaN never leaves.
  static bool passes(float value, double threshold) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (static_cast<double>(value) == kNoScore) return false;
    return threshold == -kInfinity || (static_cast<double>(value) >= threshold && threshold < kInfinity);
  }

  [[nodiscard]] double threshold(const ExitObservation& observation, const ExitVerdict& verdict) const {
    const auto exit = static_cast<size_t>(observation.exit_index);
    if (class_thresholds_.empty()) return thresholds_[exit];
    return class_thresholds_[exit][static_cast<size_t>(answered_label(verdict, observation.logits))];
  }

  std::string name_;
  std::vector<double> thresholds_;                     // [K-1]
  std::vector<std::vector<double>> class_thresholds_;  // [K-1][C] or empty
  std::vector<double> temperatures_;                   // [K]
};

}  // namespace sooner
