#include "tune/risk/promises.h"

#include <algorithm>

#include "core/error.h"

namespace sooner {
namespace {

bool rests_on(const CalibrationRecord& record, std::string_view split_hash) {
  return record.guarantee && record.guarantee->split_hash == split_hash;
}

// The record that a promise like `like` has on these samples, by the same logits; null where none was made.
const CalibrationRecord* find_made(std::string_view split_hash, const CalibrationRecord& like,
                                   std::span<const CalibrationRecord> records) {
  const auto found = std::ranges::find_if(records, [&](const CalibrationRecord& record) {
    return rests_on(record, split_hash) && record.origin.precision == like.origin.precision &&
           record.origin.weights_hash == like.origin.weights_hash && chosen_alike(record, like);
  });
  return found == records.end() ? nullptr : &*found;
}

}  // namespace

int64_t next_promise(std::string_view split_hash, const RiskTerms& terms, std::span<const CalibrationRecord> records) {
  int64_t last = 0;
  const CalibrationRecord* first = nullptr;  // who declared how many there will be
  for (const CalibrationRecord& record : records) {
    if (!rests_on(record, split_hash) || record.rule.risk->delta.has_value() != terms.delta.has_value()) continue;
    last = std::max(last, record.guarantee->number);
    if (first == nullptr) first = &record;
  }
  if (first == nullptr) return 1;
  const RiskTerms& declared = *first->rule.risk;
  constexpr const char* kAnew =
      "take those back with `sooner tune --risk ... --anew`, which the new promise then says, or keep other samples "
      "for "
      "calibration";
  if (last >= declared.promises) {
    fail(Code::kFailedPrecondition,
         "[risk] got promise {} {}on the samples {}, expected at most {}, as '{}' declared when the first was made; {}",
         last + 1, terms.delta ? "" : "in expectation ", split_hash, declared.promises, record_name(*first), kAnew);
  }
  if (declared.promises != terms.promises || declared.delta != terms.delta) {
    fail(Code::kFailedPrecondition,
         "[risk] got delta {} for {} promises, expected delta {} for {}, as '{}' on these samples declared; give "
         "these to `sooner tune` ({} of them left), or {}",
         *terms.delta, terms.promises, *declared.delta, declared.promises, record_name(*first),
         declared.promises - last, kAnew);
  }
  return last + 1;
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
                            const Origin& engine, std::span<const CalibrationRecord> records) {
  CalibrationRecord like;
  like.policy = policy;
  like.rule = rule;
  like.origin = engine;
  if (find_made(split_hash, like, records) != nullptr) return;
  static_cast<void>(next_promise(split_hash, rule.risk.value_or(RiskTerms{}), records));
}

int64_t withdrawn_before(std::string_view split_hash, std::span<const CalibrationRecord> records) {
  int64_t withdrawn = 0;
  for (const CalibrationRecord& record : records) {
    if (rests_on(record, split_hash)) withdrawn = std::max(withdrawn, record.guarantee->withdrawn);
  }
  return withdrawn;
}

int64_t withdraw_promises(std::string_view split_hash, std::vector<CalibrationRecord>& records) {
  const int64_t before = withdrawn_before(split_hash, records);
  const auto gone =
      std::erase_if(records, [&](const CalibrationRecord& record) { return rests_on(record, split_hash); });
  return before + static_cast<int64_t>(gone);
}

}  // namespace sooner
