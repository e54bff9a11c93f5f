// A calibration record in the manifest: JSON <-> CalibrationRecord, and the rules it obeys.
#pragma once

#include <nlohmann/json.hpp>

#include "format/json_reader.h"
#include "policy/calibration_record.h"

namespace sooner {

// The oldest format version that can hold the record: 1; 3 with a guarantee or savings of exits; 6 with a name, or
// where it says on whose weights' logits it was made.
int record_version(const CalibrationRecord& record);

// Members in a fixed order, those of format version `version`. classes: 1 for a network that answers with a number;
// qualities are then written as the errors they are minus of. REQUIRES: version >= record_version(record).
nlohmann::ordered_json record_to_json(const CalibrationRecord& record, int version, int32_t classes);

// Throws kDataLoss for anything missing, unknown, or not of its type and range.
CalibrationRecord record_from_json(const JsonValue& value, int64_t version, int32_t classes);

// Throws kInvalidArgument naming the field: a policy or rule that does not fit, shares and accuracies outside [0, 1],
// histograms that cannot be.
void check_record(const CalibrationRecord& record, const PolicyContext& context);

// Throws kInvalidArgument "[manifest] field: …" unless make_policy takes it.
void check_policy(const PolicySpec& policy, const PolicyContext& context, std::string_view field);

}  // namespace sooner
