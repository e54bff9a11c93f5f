// Several promises that rest on the same guarantee samples share their delta: all of them hold at once.
//
// How many there may be is declared when the first is made (RiskTerms::promises), each is shown at its share, and the
// records of a model file are the ledger: nobody can make more than were declared. A ledger in a file cannot see copies
// of the file, and no program can see whether somebody chose a rule by what an earlier promise showed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "policy/calibration_record.h"

namespace sooner {

// The number of the next promise on these samples beside those of `records`, whatever their precision; promises with a
// delta and in expectation are counted apart. Throws kFailedPrecondition where all that were declared are made, or
// where earlier ones declared another delta or number than `terms`.
int64_t next_promise(std::string_view split_hash, const RiskTerms& terms, std::span<const CalibrationRecord> records);

// The number of the promise that `made` holds: that of the one among `records` which it repeats to the bit, else
// next_promise. REQUIRES: made.guarantee.
int64_t promise_number(const CalibrationRecord& made, std::span<const CalibrationRecord> records);

// Before anything is computed: throws what promise_number would for lack of room. A promise that was made before by the
// same policy and rule, on the logits of `engine` (weights and precision), has its place.
void check_room_for_promise(std::string_view split_hash, const PolicySpec& policy, const CalibrationRule& rule,
                            const Origin& engine, std::span<const CalibrationRecord> records);

// Takes back every promise on these samples: its record goes. Gives how many were ever taken back on them, these
// included (RiskGuarantee::withdrawn).
int64_t withdraw_promises(std::string_view split_hash, std::vector<CalibrationRecord>& records);

// How many promises on these samples were taken back before those of `records` were made.
int64_t withdrawn_before(std::string_view split_hash, std::span<const CalibrationRecord> records);

}  // namespace sooner
