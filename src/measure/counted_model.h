// A model compiled so that it counts what it executes, for each sample: once, for every measurement of its answers.
//
// Answers are those of the model compiled otherwise, to the bit; times are not what to take from it.
#pragma once

#include <memory>

#include "backend/counting_backend.h"
#include "runtime/model.h"

namespace sooner {

class CountedModel {
 public:
  // Throws what Model::compile throws.
  explicit CountedModel(const ModelFile& file, const ModelOptions& options = {});
  // With a backend of the caller's.
  CountedModel(const ModelFile& file, std::unique_ptr<const Backend> backend, const ModelOptions& options);

  [[nodiscard]] const std::shared_ptr<const Model>& model() const { return model_; }
  // Of whatever ran since its last reset.
  [[nodiscard]] MacLedger& ledger() const { return *ledger_; }

 private:
  std::shared_ptr<MacLedger> ledger_ = std::make_shared<MacLedger>();
  std::shared_ptr<const Model> model_;
};

}  // namespace sooner
