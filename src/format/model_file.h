// A model as it lies on disk: weights, graph and everything needed to answer, in one `.safetensors` file.
// docs/model_format.md describes it byte by byte.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "format/manifest.h"

namespace sooner {

struct ModelFile {
  Manifest manifest;
  TensorMap tensors;  // every parameter of the graph, and the check tensors
};

// Throws kNotFound / kPermissionDenied, and kDataLoss naming the byte offset for anything that is not a valid model:
// the file is checked against limits before anything is allocated. load_model maps the file: tensors share its bytes.
ModelFile load_model(const std::filesystem::path& path);
ModelFile parse_model(std::span<const std::byte> file, const std::string& name);

// Atomic (core/file.h). Throws kInvalidArgument when tensors do not match the graph.
void save_model(const ModelFile& model, const std::filesystem::path& path);
std::vector<std::byte> serialize_model(const ModelFile& model);

// 16 hex digits over graph and weights, not over calibration: a model keeps its identity when tuned.
std::string model_hash(const ModelFile& model);

// The model's quantisation, or null where it has none. Throws kFailedPrecondition when it was measured on other
// weights. `hash`: the model's own, where the caller has it.
const Quantisation* current_quantisation(const ModelFile& model);
const Quantisation* current_quantisation(const ModelFile& model, const std::string& hash);

}  // namespace sooner
