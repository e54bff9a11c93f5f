// What was promised when thresholds were chosen, and for which logits. Stored in the model file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/exit_policy.h"

namespace sooner {

// How the rule of a policy that stands by its own thresholds begins: "rule g >= 0.5", "rule never".
inline constexpr std::string_view kOwnRule = "rule ";

// A promise about thresholds, and what it rests on: the mean loss of the samples to come is at most `level`, assuming
// that they are exchangeable with the samples of the split named here.
struct RiskGuarantee {
  double level = 0;        // in (0, 1)
  double delta = 0;        // how often such a promise may fail, in (0, 1); 0: it holds in expectation
  std::string loss;        // "differs" (from the last exit's answer), "accuracy-gap"
  std::string bound;       // "conformal" in expectation; "binomial", "hoeffding-bentkus", "betting"
  int64_t samples = 0;     // n
  std::string split_hash;  // of the sample list; another one than the thresholds' family was made on
  double risk = 0;         // mean loss of those samples, in [0, 1]
  bool operator==(const RiskGuarantee&) const = default;
};

struct CalibrationRecord {
  PolicySpec policy;
  // How the thresholds were chosen: "accuracy-drop 0.003", "error-rise 0.5", "budget 0.5", "shares 0.6,0.3,0.1", "rule
  // g >= 0.5"; with an abstention, its goal: "budget 0.5 and coverage 0.95".
  std::string rule;
  // Whose logits: thresholds belong to these.
  std::string data_set;    // name
  std::string split_hash;  // of the sample list used
  int64_t samples = 0;
  std::string precision = "fp32";
  std::string backend;          // "onednn"
  std::string instruction_set;  // "avx512 bf16"
  // Expected on that split.
  double quality = 0;                // as core/quantity.h says, at the chosen operating point
  double last_exit_quality = 0;      // everybody at the last exit
  double optimality_gap = 0;         // mean cost fraction that a better choice could still save; 0 is proven best
  double cost_fraction = 0;          // mean C_k
  std::vector<double> exit_shares;   // [K]
  std::vector<double> exit_quality;  // [K], each exit answering everything
  // [K][bins]: counts of scores of the samples that reached the exit, in equal-width bins over [histogram_low,
  // histogram_high] of that exit.
  std::vector<std::vector<int64_t>> score_histograms;
  std::vector<double> histogram_low;   // [K]
  std::vector<double> histogram_high;  // [K]
  // [K-1], of a sample that reaches early exit k: what having the exit saves it, were its head for nothing, as a
  // fraction of the plain MACs. An exit whose head costs more is not worth having. Empty: not known.
  std::vector<double> exit_savings;
  std::optional<RiskGuarantee> guarantee;
};

// Whether nothing in it was chosen on logits, so that it holds whatever their precision.
bool holds_everywhere(const CalibrationRecord& record);

// Whether two records come of the same policy and rule; measured times, which a latency rule holds, aside.
bool chosen_alike(const CalibrationRecord& a, const CalibrationRecord& b);

// `policy` with the thresholds and the abstention it has for `precision`: its own where a record says that they were
// chosen for it, where no record knows them, or where it has none; else those of the record with the same policy name
// and rule. The parts of `any` and `all` each by themselves. Nothing when there is no such record.
std::optional<PolicySpec> find_policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records,
                                         std::string_view precision);
// The same; throws kFailedPrecondition, with the remedy, where there is nothing.
PolicySpec policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records, std::string_view precision);

}  // namespace sooner
