// What was promised when thresholds were chosen, and for which logits. Stored in the model file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/calibration_rule.h"
#include "policy/exit_policy.h"
#include "policy/origin.h"
#include "policy/unseen.h"

namespace sooner {

// A promise about thresholds that CalibrationRule::risk has the terms of: the mean loss of the samples to come is at
// most the level, assuming that they are exchangeable with the samples of the split named here, and that the network
// has not learnt those.
struct RiskGuarantee {
  int64_t samples = 0;     // n
  std::string split_hash;  // of the sample list; another one than the thresholds' family was made on
  double risk = 0;         // mean loss of those samples, in [0, 1]
  Unseen unseen = Unseen::kRecorded;
  // Promises on these samples that were taken back before this one was made. What it says holds if nothing they showed
  // led to it, which no program can see.
  int64_t withdrawn = 0;
  int64_t number = 1;  // which of the promises on these samples it is, in the order made: 1 to RiskTerms::promises
  bool operator==(const RiskGuarantee&) const = default;
};

struct CalibrationRecord {
  // By which a request can ask for it: one record of a name for every class of numbers. Empty: of a file before version
  // 6; record_name gives it one.
  std::string name;
  PolicySpec policy;
  CalibrationRule rule;  // how the thresholds were chosen
  Origin origin;         // whose logits: thresholds belong to these
  int64_t samples = 0;
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

// The record's own name, or what it would be called: "max-prob/accuracy-drop-0.003".
std::string record_name(const CalibrationRecord& record);

// The rule for people: as to_string has it, but of a policy that stands by its own thresholds what these say, "rule
// g >= 0.5", "rule never".
std::string rule_text(const CalibrationRecord& record, int32_t classes);

// Whether nothing in it was chosen on logits, so that it holds whatever weights and precision they come from.
bool holds_everywhere(const CalibrationRecord& record);

// Whether two records come of the same policy and rule; measured times, which a latency rule holds, aside.
bool chosen_alike(const CalibrationRecord& a, const CalibrationRecord& b);

// Those whose place `made` would take: of its precision, and chosen alike (a promise on the same samples) or called as
// it is. They live as long as `records`.
std::vector<const CalibrationRecord*> replaced_by(const CalibrationRecord& made,
                                                  std::span<const CalibrationRecord> records);

// Puts `made` behind `records` in place of those. Gives it a name that no other record of its precision has, unless it
// has one. Throws kFailedPrecondition, with `records` as they were, where the place is a promise's that would then be
// counted no more: only a later promise on the same samples may take it.
void add_record(std::vector<CalibrationRecord>& records, CalibrationRecord made);

// The newest record of this name at `precision`. Throws kNotFound naming those there are, or the precisions that have
// one of this name.
const CalibrationRecord& find_record(std::span<const CalibrationRecord> records, std::string_view name,
                                     std::string_view precision);

// `policy` with the thresholds and the abstention it has for `precision`: its own where a record says that they were
// chosen for it or does not say for which, where no record knows them, or where it has none; else those of the record
// with the same policy name and rule. The parts of `any` and `all` each by themselves, without wrappers. Nothing when
// there is no such record.
std::optional<PolicySpec> find_policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records,
                                         std::string_view precision);
// The same; throws kFailedPrecondition, with the remedy, where there is nothing.
PolicySpec policy_at(const PolicySpec& policy, std::span<const CalibrationRecord> records, std::string_view precision);

}  // namespace sooner
