#include "train/export_model.h"

#include <algorithm>
#include <ctime>

#include "core/file.h"
#include "format/model_file.h"
#include "format/safetensors.h"
#include "recipe/differentiable_options.h"
#include "recipe/regime_kind.h"
#include "train/evaluate.h"

namespace sooner {
namespace {

constexpr size_t kCheckSamples = 16;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// Evenly spaced over the split.
std::vector<int64_t> check_indices(const Split& split) {
  const size_t n = std::min(kCheckSamples, split.indices.size());
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < n; ++i) chosen.push_back(split.indices[i * split.indices.size() / n]);
  return chosen;
}

Tensor floats_tensor(Shape shape, const std::vector<float>& values) {
  return Tensor::from_floats(std::move(shape), values);
}

void add_check_tensors(ModelFile& model, GraphModule& module, const DataSet& data,
                       const std::vector<int64_t>& indices) {
  const auto n = static_cast<int64_t>(indices.size());
  const auto exits = static_cast<int64_t>(module.graph().exits());
  Shape shape{n};
  shape.insert(shape.end(), data.image_shape.begin(), data.image_shape.end());
  Tensor images(DType::kU8, shape);
  const size_t image_bytes = images.bytes() / indices.size();
  for (size_t i = 0; i < indices.size(); ++i) {
    const std::span<std::byte> bytes = images.raw().subspan(i * image_bytes, image_bytes);
    data.train->read(indices[i], {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  }
  const ExitAnswers answers = evaluate(module, ComputeMode{}, data, data.train, indices);
  model.tensors["sooner.check.images"] = images;
  model.tensors["sooner.check.logits"] = floats_tensor({n, exits, module.graph().classes}, answers.logits);
  if (exits > 1) model.tensors["sooner.check.gates"] = floats_tensor({n, exits - 1}, answers.gates);
  model.manifest.check_samples = n;
}

}  // namespace

void export_model(GraphModule& module, const TrainConfig& config, const DataSet& data, const Splits& splits,
                  bool trained_elsewhere, const std::filesystem::path& path) {
  ModelFile model;
  Manifest& manifest = model.manifest;
  manifest.graph = module.graph();
  manifest.quantity = data.quantity;
  if (!data.quantity) manifest.class_names = data.class_names;
  manifest.preprocessing = {data.image_shape, data.mean, data.std, data.image_shape[0] == 1 ? "L" : "RGB"};
  if (regime_kind(config.train.regime).gates) {
    manifest.policy.name = "gate";
    manifest.policy.thresholds.assign(module.graph().exits() - 1, Threshold::score(0.5));
    manifest.cost_weights = trained_cost_weights(config.regimes);
    if (manifest.cost_weights) manifest.cost_weights->shifts = module.gate_shifts();
  }
  TrainConfig portable = config;
  portable.data.data_dir.clear();  // where the data lay here means nothing elsewhere
  manifest.provenance = {SOONER_VERSION,    config.train.regime, config_hash(config), to_toml(portable),
                         config.train.seed, data.name,           data.hash,           config.train.epochs,
                         utc_now(),         trained_elsewhere};
  model.tensors = module.export_tensors();
  for (size_t k = 0; k + 1 < module.graph().exits(); ++k) model.tensors.erase(gate_shift_name(k));
  add_check_tensors(model, module, data, check_indices(splits.validation));
  save_model(model, path);
}

void export_answers(const ExitAnswers& answers, const Split& split, const std::filesystem::path& path) {
  Safetensors file;
  file.tensors["logits"] = floats_tensor({answers.samples, answers.exits, answers.classes}, answers.logits);
  if (answers.exits > 1) file.tensors["gates"] = floats_tensor({answers.samples, answers.exits - 1}, answers.gates);
  if (answers.classes == 1) {
    file.tensors["targets"] = floats_tensor({answers.samples}, answers.targets);
  } else {
    Tensor labels(DType::kI32, {answers.samples});
    std::ranges::copy(std::as_bytes(std::span(answers.labels)), labels.raw().begin());
    file.tensors["labels"] = labels;
  }
  file.metadata = {{"format", "pt"}, {"sooner.split", split.name}, {"sooner.split_hash", split.hash}};
  const std::vector<std::byte> bytes = serialize_safetensors(file);
  write_file_atomically(path, [&](FileSink& sink) { sink.write(std::span<const std::byte>(bytes)); });
}

}  // namespace sooner
