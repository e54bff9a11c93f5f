#include "policy/standing.h"

#include <fmt/format.h>

#include <ranges>

namespace sooner {

Standing standing(const CalibrationRecord& record, const Origin& engine) {
  if (holds_everywhere(record)) return Standing::kHolds;
  const NumericClass numbers = numeric_class(record.origin);
  if (numbers == NumericClass::kUnknown || numbers != numeric_class(engine)) return Standing::kOtherNumbers;
  if (record.origin.weights_hash.empty()) return Standing::kUnknownWeights;
  return record.origin.weights_hash == engine.weights_hash ? Standing::kHolds : Standing::kOtherWeights;
}

std::string standing_text(Standing standing, const CalibrationRecord& record, const Origin& engine) {
  // A promise made before has been counted, whatever became of its weights.
  const char* const anew = record.guarantee ? " (--anew, or as one more of --promises)" : "";
  switch (standing) {
    case Standing::kHolds:
      return "";
    case Standing::kOtherWeights:
      return fmt::format(
          "was chosen on logits of other weights ({}) than these ({}); choose it anew with `sooner tune`{}",
          record.origin.weights_hash, engine.weights_hash, anew);
    case Standing::kUnknownWeights:
      return fmt::format(
          "does not say on whose logits it was chosen, as files before version 6; choose it anew with `sooner tune`{}",
          anew);
    case Standing::kOtherNumbers:
      return fmt::format(
          "was chosen on logits in {}, and these are in {}; choose it anew here with `sooner tune --precision {}`{}",
          to_string(numeric_class(record.origin)), to_string(numeric_class(engine)), engine.precision, anew);
  }
  return "";
}

std::string doubt_about(const PolicySpec& policy, std::span<const CalibrationRecord> records, const Origin& engine) {
  std::string doubt;
  for (const CalibrationRecord& record : std::views::reverse(records)) {
    if (record.policy != policy) continue;
    const Standing found = standing(record, engine);
    if (found == Standing::kHolds) return "";
    // Every file before version 6 would be doubted; only a promise is too much to leave standing.
    if (!doubt.empty() || (found == Standing::kUnknownWeights && !record.guarantee)) continue;
    doubt = fmt::format("calibration '{}' {}{}", record_name(record), standing_text(found, record, engine),
                        record.guarantee ? "; its promise is withdrawn" : "");
  }
  return doubt;
}

}  // namespace sooner
