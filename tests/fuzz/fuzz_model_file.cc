// Any bytes at all are either a model that can be written and read again, or kDataLoss.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "core/error.h"
#include "format/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const sooner::ModelFile model = sooner::parse_model(std::as_bytes(std::span(data, size)), "fuzz");
    const sooner::ModelFile again = sooner::parse_model(sooner::serialize_model(model), "again");
    if (sooner::model_hash(model) != sooner::model_hash(again)) std::abort();
  } catch (const sooner::Error& error) {
    if (error.code() != sooner::Code::kDataLoss) std::abort();
  }
  return 0;
}
