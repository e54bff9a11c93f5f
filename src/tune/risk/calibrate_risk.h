// From two tables of logits to a calibration record with a guarantee: the thresholds' family comes from `tune`, the
// promise from `guarantee`. Reads logits; knows no model, file or backend.
#pragma once

#include <string>

#include "policy/calibration_record.h"
#include "tune/risk/risk_control.h"
#include "tune/tables/logit_table.h"

namespace sooner {

struct RiskRule {
  RiskOptions options = {};
  RiskLoss loss = RiskLoss::kDiffers;
};
// "risk 0.02 loss differs", "risk 0.02 delta 0.05 loss differs bound binomial".
std::string to_string(const RiskRule& rule);

struct RiskCalibration {
  // What is expected stands on `tune`, as in every record. The caller fills in data_set, split_hash, precision,
  // backend, instruction_set and the guarantee's split_hash.
  CalibrationRecord record = {};
  RiskChoice choice = {};  // on `guarantee`
};

// Fits temperatures (of policies that look at probabilities, unless told not to) and makes the family on `tune`, then
// chooses on `guarantee`. Thresholds and temperatures of `policy` are put aside. Throws kInvalidArgument for a bad
// table (NaN logits), a policy without thresholds, options out of range, tables of two models, a class that one of them
// lacks; kFailedPrecondition for too few samples.
RiskCalibration calibrate_with_risk(const LogitTable& tune, const LogitTable& guarantee, const PolicySpec& policy,
                                    const RiskRule& rule, bool with_temperatures = true);

// The same choice again, by the rule that a record with a guarantee was made by, on other tables: of the same network
// at another precision, say. REQUIRES: old.guarantee.
RiskCalibration recalibrate_with_risk(const LogitTable& tune, const LogitTable& guarantee,
                                      const CalibrationRecord& old);

}  // namespace sooner
