// Any bytes at all are either a network whose weights fit it, or a named error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/error.h"
#include "format/new_model.h"
#include "onnx/onnx_import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    sooner::ImportedNetwork network = sooner::import_onnx(std::as_bytes(std::span(data, size)), "fuzz.onnx", {});
    sooner::serialize_model(sooner::imported_model(network.graph, network.tensors, {}));
  } catch (const sooner::Error& error) {
    const bool expected = error.code() == sooner::Code::kDataLoss || error.code() == sooner::Code::kUnimplemented ||
                          error.code() == sooner::Code::kInvalidArgument;
    if (!expected) std::abort();
  }
  return 0;
}
