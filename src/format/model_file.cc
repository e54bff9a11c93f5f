#include "format/model_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string_view>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "format/graph_json.h"
#include "format/json_reader.h"
#include "format/safetensors.h"
#include "graph/parameters.h"

namespace sooner {
namespace {

constexpr std::string_view kManifestName = "sooner.manifest";
constexpr std::string_view kOwnPrefix = "sooner.";
constexpr std::string_view kVersionKey = "sooner.format_version";
constexpr std::string_view kCheckImages = "sooner.check.images";
constexpr std::string_view kCheckLogits = "sooner.check.logits";
constexpr std::string_view kCheckGates = "sooner.check.gates";

// What is wrong with a tensor, and at which byte of its data.
struct Fault {
  std::string tensor;
  std::string what;
  size_t byte = 0;
};

struct Expected {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  enum class Values : uint8_t { kAny, kFinite, kNotNegative, kProbability } values = Values::kFinite;
};

std::vector<Expected> expected_tensors(const Manifest& manifest) {
  using Values = Expected::Values;
  std::vector<Expected> result;
  for (ParameterSpec& spec : parameters(manifest.graph)) {
    const Values values = spec.kind == ParameterKind::kRunningVar ? Values::kNotNegative : Values::kFinite;
    result.push_back({std::move(spec.name), DType::kF32, std::move(spec.shape), values});
  }
  const int64_t n = manifest.check_samples;
  if (n > 0) {
    const auto exits = static_cast<int64_t>(manifest.graph.exits());
    Shape images{n};
    images.insert(images.end(), manifest.graph.input_shape.begin(), manifest.graph.input_shape.end());
    result.push_back({std::string(kCheckImages), DType::kU8, std::move(images), Values::kAny});
    result.push_back({std::string(kCheckLogits), DType::kF32, {n, exits, manifest.graph.classes}, Values::kFinite});
    if (exits > 1) {
      result.push_back({std::string(kCheckGates), DType::kF32, {n, exits - 1}, Values::kProbability});
    }
  }
  return result;
}

// The index of the first value that is not as expected, or -1.
int64_t first_bad_value(const Tensor& tensor, Expected::Values values) {
  using Values = Expected::Values;
  if (values == Values::kAny) return -1;
  const std::span<const float> floats = tensor.floats();
  const auto bad = std::find_if(floats.begin(), floats.end(), [values](float x) {
    // NaN stands for an exit without gate.
    if (values == Values::kProbability) return !std::isnan(x) && !(x >= 0 && x <= 1);
    return !std::isfinite(x) || (values == Values::kNotNegative && x < 0);
  });
  return bad == floats.end() ? -1 : bad - floats.begin();
}

std::optional<Fault> find_fault(const Manifest& manifest, const TensorMap& tensors) {
  std::set<std::string_view> known;
  const std::vector<Expected> all = expected_tensors(manifest);
  for (const Expected& expected : all) {
    known.insert(expected.name);
    const auto found = tensors.find(expected.name);
    if (found == tensors.end()) {
      return Fault{expected.name, fmt::format("is missing, expected {} of shape {}", to_string(expected.dtype),
                                              to_string(expected.shape))};
    }
    const Tensor& tensor = found->second;
    if (tensor.dtype() != expected.dtype || tensor.shape() != expected.shape) {
      return Fault{expected.name,
                   fmt::format("got {} of shape {}, expected {} of shape {}", to_string(tensor.dtype()),
                               to_string(tensor.shape()), to_string(expected.dtype), to_string(expected.shape))};
    }
    const int64_t bad = first_bad_value(tensor, expected.values);
    if (bad >= 0) {
      const auto index = static_cast<size_t>(bad);
      return Fault{expected.name,
                   fmt::format("element {} is {}, which a trained network never holds", bad, tensor.floats()[index]),
                   index * sizeof(float)};
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (!known.contains(name) && !name.starts_with(kOwnPrefix)) {
      return Fault{name, "is no parameter of the graph; other tensors stand under 'sooner.'"};
    }
  }
  return std::nullopt;
}

}  // namespace

namespace {

bool is_known_version(std::string_view text) {
  for (int version = 1; version <= kFormatVersion; ++version) {
    if (text == std::to_string(version)) return true;
  }
  return false;
}

ModelFile model_of(Safetensors contents, const std::string& name) {
  const std::string place = fmt::format("model '{}'", printable(name));
  const auto found = contents.tensors.find(std::string(kManifestName));
  if (found == contents.tensors.end()) {
    fail(Code::kDataLoss, "[{}] byte 8: no tensor '{}'; a safetensors file, but not one sooner has written", place,
         kManifestName);
  }
  const size_t manifest_byte = contents.data_offsets.at(found->first);
  if (found->second.dtype() != DType::kU8 || found->second.shape().size() != 1) {
    fail(Code::kDataLoss, "[{}] byte {}: '{}' is {} of shape {}, expected a list of U8", place, manifest_byte,
         kManifestName, to_string(found->second.dtype()), to_string(found->second.shape()));
  }
  const auto version = contents.metadata.find(std::string(kVersionKey));
  if (version != contents.metadata.end() && !is_known_version(version->second)) {
    fail(Code::kDataLoss, "[{}] byte 8: format version '{}', this sooner reads 1 to {}; update sooner", place,
         printable(version->second), kFormatVersion);
  }
  const auto text = found->second.raw();
  ModelFile model;
  model.manifest = manifest_from_json({reinterpret_cast<const char*>(text.data()), text.size()}, place, manifest_byte);
  contents.tensors.erase(found);
  if (const auto fault = find_fault(model.manifest, contents.tensors)) {
    const auto data = contents.data_offsets.find(fault->tensor);
    const size_t byte = data == contents.data_offsets.end() ? 8 : data->second + fault->byte;
    fail(Code::kDataLoss, "[{}] byte {}: tensor '{}' {}", place, byte, printable(fault->tensor), fault->what);
  }
  model.tensors = std::move(contents.tensors);
  return model;
}

}  // namespace

ModelFile parse_model(std::span<const std::byte> file, const std::string& name) {
  return model_of(parse_safetensors(file, name), name);
}

ModelFile load_model(const std::filesystem::path& path) {
  return model_of(view_safetensors(map_file(path), path.string()), path.string());
}

std::vector<std::byte> serialize_model(const ModelFile& model) {
  check_manifest(model.manifest);
  if (model.tensors.contains(std::string(kManifestName))) {
    fail(Code::kInvalidArgument, "[save] tensor '{}' is written from the manifest; leave it out", kManifestName);
  }
  if (const auto fault = find_fault(model.manifest, model.tensors)) {
    fail(Code::kInvalidArgument, "[save] tensor '{}' {}", printable(fault->tensor), fault->what);
  }
  const std::string text = manifest_to_json(model.manifest);
  try {
    // Nothing is written that could not be read again.
    manifest_from_json(text, "save", 0);
  } catch (const Error& error) {
    fail(Code::kInvalidArgument, "{}", error.what());
  }
  Tensor manifest(DType::kU8, {static_cast<int64_t>(text.size())});
  std::memcpy(manifest.raw().data(), text.data(), text.size());
  Safetensors contents;
  contents.tensors = model.tensors;
  contents.tensors.emplace(kManifestName, std::move(manifest));
  contents.metadata = {{"format", "pt"}, {std::string(kVersionKey), std::to_string(format_version(model.manifest))}};
  return serialize_safetensors(contents);
}

void save_model(const ModelFile& model, const std::filesystem::path& path) {
  const std::vector<std::byte> file = serialize_model(model);
  write_file_atomically(path, [&file](FileSink& sink) { sink.write(file); });
}

std::string model_hash(const ModelFile& model) {
  Hasher hasher;
  hasher.add(graph_to_json(model.manifest.graph).dump());
  for (const ParameterSpec& spec : parameters(model.manifest.graph)) {
    const auto found = model.tensors.find(spec.name);
    if (found == model.tensors.end()) {
      fail(Code::kInvalidArgument, "[model_hash] tensor '{}' is missing", spec.name);
    }
    hasher.add(spec.name);
    hasher.add(found->second.raw());
  }
  return hash_hex(hasher.value());
}

const Quantisation* current_quantisation(const ModelFile& model) {
  return model.manifest.quantisation ? current_quantisation(model, model_hash(model)) : nullptr;
}

const Quantisation* current_quantisation(const ModelFile& model, const std::string& hash) {
  if (!model.manifest.quantisation) return nullptr;
  if (model.manifest.quantisation->model_hash != hash) {
    fail(Code::kFailedPrecondition,
         "[model] the quantisation was measured on weights {}, but these are {}; run `sooner quantize` again",
         model.manifest.quantisation->model_hash, hash);
  }
  return &*model.manifest.quantisation;
}

}  // namespace sooner
