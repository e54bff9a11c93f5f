// From tables of logits to a calibration record: fits temperatures, chooses thresholds by a rule, and writes down what
// may be expected of them, or promised. Reads logits; knows no model, file or backend.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "policy/calibration_record.h"
#include "policy/calibration_rule.h"
#include "tune/choosing/accuracy_drop.h"
#include "tune/risk/risk_control.h"
#include "tune/tables/logit_table.h"
#include "tune/tables/logit_table_file.h"

namespace sooner {

// The samples a calibration looks at. Tables stay the caller's.
class CalibrationSamples {
 public:
  // Of unknown origin. Implicit: a table is what most callers have.
  CalibrationSamples(const LogitTable& tune) : tune_(tune) {}  // NOLINT(google-explicit-constructor)
  CalibrationSamples(const StoredTable& tune)                  // NOLINT(google-explicit-constructor)
      : tune_(tune.table), origin_(tune.origin) {}
  CalibrationSamples(const LogitTable& tune, const LogitTable& guarantee) : tune_(tune), guarantee_(&guarantee) {}
  // Throws kFailedPrecondition for tables that cannot stand for one network and disjoint samples: of other weights,
  // precision or data set, or of the same samples.
  CalibrationSamples(const StoredTable& tune, const StoredTable& guarantee);

  [[nodiscard]] const LogitTable& tune() const { return tune_; }
  // Null without one.
  [[nodiscard]] const LogitTable* guarantee() const { return guarantee_; }
  [[nodiscard]] const Origin& origin() const { return origin_; }  // of `tune`
  [[nodiscard]] const std::string& guarantee_hash() const { return guarantee_hash_; }

 private:
  const LogitTable& tune_;
  const LogitTable* guarantee_ = nullptr;
  Origin origin_ = {};
  std::string guarantee_hash_ = {};
};

struct CalibrateOptions {
  std::string name = {};  // of the record; empty: add_record finds one
  // Of policies that look at probabilities; false: 1 everywhere. With them whatever else a policy's row fits
  // (PolicyKind::fit).
  bool fit_temperatures = true;
  int32_t histogram_bins = 20;  // per exit; > 0
  AccuracyDropOptions accuracy_drop = {};
  Unseen unseen = Unseen::kRecorded;  // of a promise: why the network has not learnt the guarantee samples
  // Of a promise: the records beside which it is made, that count how many rest on the same samples (risk/promises.h).
  std::span<const CalibrationRecord> beside = {};
  int64_t withdrawn = 0;  // of a promise: how many on these samples were taken back for it (withdraw_promises)
  RiskChoice* risk_choice = nullptr;  // of a promise: where to write what was chosen on the guarantee samples
};

// The record of `policy` with thresholds chosen by `rule` on the `tune` samples, or, by a rule of risk, from a family
// made on those by a promise about the `guarantee` samples; thresholds and temperatures that the policy has are put
// aside, and what it learns from labels is fitted (fit_policy.h); thresholds, or the family, of a policy that fits
// apart come from the half of `tune` that it was not fitted to, and the record counts that half. What is expected is
// expected of those samples, without cap, deadline and abstention. Policies without thresholds have nothing to choose:
// their rule is kUntouched; only `gate`, `confidence` and `patience` have a default of their own otherwise. Throws
// kInvalidArgument for a bad table, policy or rule, a rule that does not fit, a promise with no guarantee samples or
// about a class that either table lacks; kFailedPrecondition for too few of them, or too many promises on them.
CalibrationRecord calibrate(const CalibrationSamples& samples, const PolicySpec& policy, const CalibrationRule& rule,
                            const CalibrateOptions& options = {});

// Chooses again what `old` chose, by the same rule and name, for the same policy, on other tables: of the same network
// at another precision, say. times: instead of those of a latency rule, as in CalibrationRule; empty: its own. beside:
// as in CalibrateOptions. Throws what calibrate throws.
CalibrationRecord recalibrate(const CalibrationSamples& samples, const CalibrationRecord& old,
                              const std::vector<double>& times = {}, std::span<const CalibrationRecord> beside = {});

}  // namespace sooner
