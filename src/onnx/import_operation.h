// The operations of ONNX that are read: one function each, in tables by subject.
#pragma once

#include <span>
#include <string_view>

#include "onnx/importer.h"

namespace sooner {

struct ImportOperation {
  std::string_view name;
  // Sets the node's outputs. Attributes it does not ask for are refused afterwards.
  void (*read)(Importer& importer, OnnxNode& node);
};

std::span<const ImportOperation> layer_operations();       // import_layers.cc: what has weights
std::span<const ImportOperation> pool_operations();        // import_pools.cc
std::span<const ImportOperation> element_operations();     // import_elements.cc: activations, sums and products
std::span<const ImportOperation> channel_operations();     // import_channels.cc: concatenation, slices
std::span<const ImportOperation> view_operations();        // import_views.cc: reshaping and transposing
std::span<const ImportOperation> arithmetic_operations();  // import_arithmetic.cc: shapes and constants

// Null where it is not read.
const ImportOperation* find_import_operation(std::string_view name);
// What to do about an operation that is not read: the nearest that is, or how to export without it.
std::string import_remedy(std::string_view name);

}  // namespace sooner
