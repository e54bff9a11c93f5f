// A loaded, compiled model: immutable, shared by sessions and threads.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "format/model_file.h"
#include "graph/cost.h"

namespace sooner {

struct ModelOptions {
  std::string backend = "auto";
  Precision precision = Precision::kF32;
  int32_t batch_max = 128;  // rows a stage computes at once, at most; > 0
  // All stages at once, or each when a sample first reaches it: the first answer comes sooner, a later one later.
  bool compile_ahead = true;
};

// Whose rows and logits mean the same: model_hash, or in int8 the hash of that and of the maps' scales.
std::string rows_hash(const ModelFile& file, Precision precision);

// What this machine would compute with the file at a precision by `backend`; of no samples in particular. Where the
// scales of int8 were measured on other weights there is no such engine: the hash is then the weights' own.
Origin origin_here(const ModelFile& file, Precision precision, const Backend& backend);
// The same where `hash`, the file's model_hash, is known already.
Origin origin_here(const ModelFile& file, const std::string& hash, Precision precision, const Backend& backend);

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
  // Compiles it if nobody did; any thread may ask. Throws what StageCompiler::compile throws.
  [[nodiscard]] const CompiledStage& stage(size_t k) const;
  [[nodiscard]] size_t stages() const { return slots_.size(); }
  [[nodiscard]] bool compiled_ahead() const { return compiler_ == nullptr; }
  // model_hash of the file.
  [[nodiscard]] const std::string& hash() const { return hash_; }
  // That of the file at this precision.
  [[nodiscard]] const std::string& rows_hash() const { return rows_hash_; }
  [[nodiscard]] int32_t batch_max() const { return batch_max_; }
  [[nodiscard]] const std::string& backend_name() const { return backend_name_; }
  [[nodiscard]] const std::string& instruction_set() const { return instruction_set_; }
  [[nodiscard]] Precision precision() const { return precision_; }  // effective
  // Whose logits this model computes, and how; of no samples in particular.
  [[nodiscard]] Origin origin() const;

 private:
  Model() = default;
  Manifest manifest_;
  GraphCost cost_;
  struct Slot {
    std::once_flag once;
    std::unique_ptr<const CompiledStage> stage;
  };
  mutable std::vector<Slot> slots_;                // [K]
  std::unique_ptr<const StageCompiler> compiler_;  // null when all stages are compiled
  std::string hash_, rows_hash_;
  int32_t batch_max_ = 1;
  std::string backend_name_;
  std::string instruction_set_;
  Precision precision_ = Precision::kF32;
};

}  // namespace sooner
