// From a table of logits to a calibration record: fits temperatures, chooses thresholds by a rule, and writes down what
// may be expected of them. Reads logits; knows no model, file or backend.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "policy/calibration_record.h"
#include "tune/calibration_rule.h"
#include "tune/choosing/abstention.h"
#include "tune/choosing/accuracy_drop.h"
#include "tune/tables/logit_table.h"

namespace sooner {

struct CalibrateOptions {
  // Of policies that look at probabilities; false: 1 everywhere. With them the weights of a geometric ensemble that
  // has none.
  bool fit_temperatures = true;
  int32_t histogram_bins = 20;  // per exit; > 0
  AccuracyDropOptions accuracy_drop = {};
  std::optional<Abstention> abstention = {};  // chosen after the thresholds; nothing: the policy's own stays
};

// The record of `policy` with thresholds chosen by `rule` on `table`, which must be the `tune` split's; those it has
// are put aside, and temperatures fitted where it looks at probabilities. The caller fills in data_set, split_hash,
// precision, backend and instruction_set. What is expected is expected without cap, deadline and abstention.
// Policies without thresholds have nothing to choose: their rule is kUntouched; only `gate`, `confidence` and
// `patience` have a default of their own otherwise. Throws kInvalidArgument for a bad table, policy or rule, or a rule
// that does not fit.
CalibrationRecord calibrate(const LogitTable& table, const PolicySpec& policy, const CalibrationRule& rule,
                            const CalibrateOptions& options = {});

// Chooses again what `old` chose, by the same rule, for the same policy, on another table: of the same network at
// another precision, say. times: instead of those of a latency rule, as in CalibrationRule; empty: its own. Throws what
// calibrate throws, and kInvalidArgument for a record whose rule cannot be read.
CalibrationRecord recalibrate(const LogitTable& table, const CalibrationRecord& old,
                              const std::vector<double>& times = {});

// The record of thresholds that were chosen elsewhere: what `policy`, with its temperatures, does on `table`. Throws
// what score_table throws. REQUIRES: as many thresholds as early exits; histogram_bins > 0.
CalibrationRecord record_of(const LogitTable& table, const PolicySpec& policy, const std::string& rule,
                            int32_t histogram_bins = 20);

}  // namespace sooner
