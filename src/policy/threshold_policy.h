// The common half of every policy that scores an exit and compares the score with that exit's threshold.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "policy/exit_policy.h"

namespace sooner {

// Immutable; a derived class gives the score.
class ThresholdPolicy : public ExitPolicy {
 public:
  // REQUIRES: thresholds [K-1], temperatures [K].
  explicit ThresholdPolicy(const PolicySpec& spec)
      : name_(spec.name), thresholds_(spec.thresholds), temperatures_(spec.temperatures) {}

  [[nodiscard]] std::string_view name() const final { return name_; }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const final {
    const auto exit = static_cast<size_t>(observation.exit_index);
    // The verdict compares the float it reports, so a log of scores tells what happened.
    const auto value = static_cast<float>(score(observation, state));
    if (exit >= thresholds_.size()) return {Left::kAtLastExit, value};
    return {passes(value, thresholds_[exit]) ? Left::kByPolicy : Left::kStays, value};
  }

 protected:
  // Larger is surer. At the last exit it is only reported.
  [[nodiscard]] virtual double score(const ExitObservation& observation, std::span<std::byte> state) const = 0;
  [[nodiscard]] double temperature(int32_t exit_index) const { return temperatures_[static_cast<size_t>(exit_index)]; }
  [[nodiscard]] bool is_last(int32_t exit_index) const { return static_cast<size_t>(exit_index) >= thresholds_.size(); }

 private:
  // Infinite thresholds are promises that hold for infinite and NaN scores too; otherwise a NaN never leaves.
  static bool passes(float value, double threshold) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return threshold == -kInfinity || (static_cast<double>(value) >= threshold && threshold < kInfinity);
  }

  std::string name_;
  std::vector<double> thresholds_;    // [K-1]
  std::vector<double> temperatures_;  // [K]
};

}  // namespace sooner
