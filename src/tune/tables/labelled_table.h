// A logit table as a policy's fit sees it.
#pragma once

#include "policy/labelled_logits.h"
#include "tune/tables/logit_table.h"

namespace sooner {

// Borrows the table. REQUIRES: a valid one, of classes where labels are asked for.
class LabelledTable final : public LabelledLogits {
 public:
  explicit LabelledTable(const LogitTable& table) : table_(table), context_(policy_context(table)) {}
  [[nodiscard]] int64_t samples() const override { return table_.samples; }
  [[nodiscard]] PolicyContext context() const override { return context_; }
  [[nodiscard]] ExitObservation observation(int64_t sample, int32_t exit) const override {
    return table_.observation(sample, exit);
  }
  [[nodiscard]] int32_t label(int64_t sample) const override { return table_.labels[static_cast<size_t>(sample)]; }

 private:
  const LogitTable& table_;
  PolicyContext context_;
};

}  // namespace sooner
