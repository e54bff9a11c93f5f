// A loaded, compiled model: immutable, shared by sessions and threads.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "format/model_file.h"
#include "graph/cost.h"

namespace sooner {

struct ModelOptions {
  std::string backend = "auto";
  Precision precision = Precision::kF32;
  int32_t batch_max = 128;  // largest batch one stage run computes at once; > 0
};

class Model {
 public:
  // Throws what load_model and Backend::compile throw.
  static std::shared_ptr<const Model> load(const std::filesystem::path& path, const ModelOptions& options = {});
  static std::shared_ptr<const Model> from_file(const ModelFile& file, const ModelOptions& options = {});
  // With a backend of the caller's (a wrapped one, say).
  static std::shared_ptr<const Model> compile(const ModelFile& file, const Backend& backend,
                                              const ModelOptions& options);

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const Graph& graph() const { return manifest_.graph; }
  [[nodiscard]] const GraphCost& cost() const { return cost_; }
  [[nodiscard]] const std::vector<std::unique_ptr<const CompiledStage>>& stages() const { return stages_; }
  [[nodiscard]] int32_t batch_max() const { return batch_max_; }
  [[nodiscard]] const std::string& backend_name() const { return backend_name_; }
  [[nodiscard]] const std::string& instruction_set() const { return instruction_set_; }
  [[nodiscard]] Precision precision() const { return precision_; }  // effective

 private:
  Model() = default;
  Manifest manifest_;
  GraphCost cost_;
  std::vector<std::unique_ptr<const CompiledStage>> stages_;
  int32_t batch_max_ = 1;
  std::string backend_name_;
  std::string instruction_set_;
  Precision precision_ = Precision::kF32;
};

}  // namespace sooner
