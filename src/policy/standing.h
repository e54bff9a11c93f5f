// Does what a calibration record says hold for an engine?
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "policy/calibration_record.h"
#include "policy/origin.h"

namespace sooner {

enum class Standing : uint8_t {
  kHolds,
  kOtherWeights,    // its thresholds were chosen on logits of other weights: stale
  kUnknownWeights,  // of a file before version 6, which does not say on whose: may be stale
  kOtherNumbers,    // on logits of another class of numbers
};

// Of `record` for an engine that computes what `engine` says (Model::origin; its samples do not matter). A promise
// stands where this is kHolds, and nowhere else. What rests on no logits (holds_everywhere) holds for every engine.
Standing standing(const CalibrationRecord& record, const Origin& engine);

// Why not, and the remedy, for a person: "was chosen on logits of other weights than these; choose it anew with `sooner
// tune`". Empty where it holds.
std::string standing_text(Standing standing, const CalibrationRecord& record, const Origin& engine);

// What a person must hear before `policy` answers on this engine: that its thresholds, known to one of `records`, were
// chosen on other weights or numbers, or that a promise made with them is void here. Empty where there is nothing to
// say: where the newest record of this policy holds, or none knows it.
std::string doubt_about(const PolicySpec& policy, std::span<const CalibrationRecord> records, const Origin& engine);

}  // namespace sooner
