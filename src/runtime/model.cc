#include "runtime/model.h"

#include "core/error.h"
#include "core/hash.h"

namespace sooner {
namespace {

// `quantisation`: null where rows are in no steps of scales.
std::string rows_hash_of(const std::string& hash, const Quantisation* quantisation) {
  if (quantisation == nullptr) return hash;
  Hasher hasher;
  hasher.add(hash);
  for (const auto& [name, map] : quantisation->scales) {
    hasher.add(fmt::format("\n{} {:a} {}", name, map.scale, map.is_signed));
  }
  return hash_hex(hasher.value());
}

// Null where the precision needs none.
const Quantisation* quantisation_at(const ModelFile& file, const std::string& hash, Precision precision) {
  return precision == Precision::kInt8 ? current_quantisation(file, hash) : nullptr;
}

}  // namespace

std::string rows_hash(const ModelFile& file, Precision precision) {
  const std::string hash = model_hash(file);
  return rows_hash_of(hash, quantisation_at(file, hash, precision));
}

Origin origin_here(const ModelFile& file, Precision precision, const Backend& backend) {
  return origin_here(file, model_hash(file), precision, backend);
}

Origin origin_here(const ModelFile& file, const std::string& hash, Precision precision, const Backend& backend) {
  const auto& quantisation = file.manifest.quantisation;
  const bool other_scales = precision == Precision::kInt8 && quantisation && quantisation->model_hash != hash;
  return {.weights_hash = other_scales ? hash : rows_hash_of(hash, quantisation_at(file, hash, precision)),
          .precision = std::string(to_string(precision)),
          .backend = std::string(backend.name()),
          .instruction_set = backend.instruction_set()};
}

std::shared_ptr<const Model> Model::load(const std::filesystem::path& path, const ModelOptions& options) {
  return from_file(load_model(path), options);
}

std::shared_ptr<const Model> Model::from_file(const ModelFile& file, const ModelOptions& options) {
  return compile(file, *make_backend(options.backend), options);
}

std::shared_ptr<const Model> Model::compile(const ModelFile& file, const Backend& backend,
                                            const ModelOptions& options) {
  if (options.batch_max < 1) {
    fail(Code::kInvalidArgument, "[Model::compile] batch_max is {}, expected 1 or more", options.batch_max);
  }
  const std::shared_ptr<Model> model(new Model);
  model->hash_ = model_hash(file);
  const Quantisation* const quantisation = quantisation_at(file, model->hash_, options.precision);
  model->manifest_ = file.manifest;
  model->compiler_ =
      backend.prepare(file.manifest.graph, file.tensors,
                      {.precision = options.precision, .batch_max = options.batch_max, .quantisation = quantisation});
  model->slots_ = std::vector<Slot>(file.manifest.graph.stages.size());
  model->rows_hash_ = rows_hash_of(model->hash_, quantisation);
  if (options.compile_ahead) {
    for (size_t k = 0; k < model->stages(); ++k) static_cast<void>(model->stage(k));
    model->compiler_.reset();
  }
  model->cost_ = compute_cost(file.manifest.graph);
  model->batch_max_ = options.batch_max;
  model->backend_name_ = backend.name();
  model->instruction_set_ = backend.instruction_set();
  model->precision_ = options.precision;
  return model;
}

Origin Model::origin() const {
  return {.weights_hash = rows_hash_,
          .precision = std::string(to_string(precision_)),
          .backend = backend_name_,
          .instruction_set = instruction_set_};
}

const CompiledStage& Model::stage(size_t k) const {
  Slot& slot = slots_[k];
  if (compiler_ != nullptr) std::call_once(slot.once, [&] { slot.stage = compiler_->compile(k); });
  return *slot.stage;
}

}  // namespace sooner
