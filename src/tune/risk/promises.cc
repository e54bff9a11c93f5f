#include "tune/risk/promises.h"

#include <algorithm>

#include "core/error.h"

namespace sooner {
namespace {

bool rests_on(const CalibrationRecord& record, std::string_view split_hash) {
  return record.guarantee && record.guarantee->split_hash == split_hash;
}

// The record that a promise like `like` has on these samples; null where none was made.
const CalibrationRecord* find_made(std::string_view split_hash, const CalibrationRecord& like,
                                   std::span<const CalibrationRecord> records) {
  const auto found = std::ranges::find_if(records, [&](const CalibrationRecord& record) {
    return rests_on(record, split_hash) && record.origin.precision == like.origin.precision &&
           chosen_alike(record, like);
  });
  return found == records.end() ? nullptr : &*found;
}

}  // namespace

int64_t next_promise(std::string_view split_hash, const RiskTerms& terms, std::span<const CalibrationRecord> records) {
  int64_t last = 0;
  for (const CalibrationRecord& record : records) {
    if (!rests_on(record, split_hash) || record.rule.risk->delta.has_value() != terms.delta.has_value()) continue;
    const RiskTerms& declared = *record.rule.risk;
    if (terms.delta && (declared.promises != terms.promises || declared.delta != terms.delta)) {
      fail(Code::kFailedPrecondition,
           "[risk] got delta {} for {} promises, expected delta {} for {}, as '{}' on these samples declared; give "
           "these, or withdraw the earlier promises with --anew",
           *terms.delta, terms.promises, *declared.delta, declared.promises, record_name(record));
    }
    last = std::max(last, record.guarantee->number);
  }
  if (last < terms.promises) return last + 1;
  fail(Code::kFailedPrecondition,
       "[risk] got promise {} {}on the samples {}, expected at most {}; declare how many there will be with --promises "
       "when the first is made, or withdraw the earlier ones with --anew",
       last + 1, terms.delta ? "" : "in expectation ", split_hash, terms.promises);
}

int64_t promise_number(const CalibrationRecord& made, std::span<const CalibrationRecord> records) {
  const RiskGuarantee& guarantee = *made.guarantee;
  if (const CalibrationRecord* before = find_made(guarantee.split_hash, made, records)) {
    RiskGuarantee numbered = guarantee;
    numbered.number = before->guarantee->number;
    // Otherwise it is another one, and somebody chose between the two.
    if (made.policy == before->policy && numbered == before->guarantee) return numbered.number;
  }
  return next_promise(guarantee.split_hash, made.rule.risk.value_or(RiskTerms{}), records);
}

void check_room_for_promise(std::string_view split_hash, const PolicySpec& policy, const CalibrationRule& rule,
                            std::string_view precision, std::span<const CalibrationRecord> records) {
  CalibrationRecord like;
  like.policy = policy;
  like.rule = rule;
  like.origin.precision = precision;
  if (find_made(split_hash, like, records) != nullptr) return;
  static_cast<void>(next_promise(split_hash, rule.risk.value_or(RiskTerms{}), records));
}

void check_promises_kept(const CalibrationRecord& made, std::span<const CalibrationRecord> records) {
  for (const CalibrationRecord* old : replaced_by(made, records)) {
    if (!old->guarantee) continue;
    const RiskGuarantee& kept = *old->guarantee;
    const bool counts_on = rests_on(made, kept.split_hash) && made.guarantee->number >= kept.number &&
                           made.rule.risk->delta.has_value() == old->rule.risk->delta.has_value();
    if (counts_on) continue;
    fail(Code::kFailedPrecondition,
         "[risk] the calibration '{}' holds promise {} of {} on the samples {}, which would count no more; choose "
         "another "
         "--name, or take the promises on these samples back with --risk and --anew",
         record_name(*old), kept.number, old->rule.risk->promises, kept.split_hash);
  }
}

int64_t withdraw_promises(std::string_view split_hash, std::vector<CalibrationRecord>& records) {
  return static_cast<int64_t>(
      std::erase_if(records, [&](const CalibrationRecord& record) { return rests_on(record, split_hash); }));
}

}  // namespace sooner
