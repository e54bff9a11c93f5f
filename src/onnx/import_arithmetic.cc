// Shapes that exporters compute, and constants.
#include <algorithm>
#include <array>
#include <cmath>

#include "onnx/constant_math.h"
#include "onnx/import_operation.h"

namespace sooner {
namespace {

void read_constant(Importer& importer, OnnxNode& node) {
  if (const onnx::TensorProto* proto = node.tensor("value")) {
    const Tensor tensor = importer.file().tensor(*proto, fmt::format("constant '{}'", node.label()));
    return importer.set(node, constant_value(node, tensor, "it"));
  }
  if (node.has("value_int")) return importer.set(node, Integers{{{node.integer("value_int", 0), false}}, true});
  if (const auto list = node.integers("value_ints")) {
    Integers values;
    for (const int64_t value : *list) values.values.push_back({value, false});
    return importer.set(node, values);
  }
  if (node.has("value_float")) {
    const auto value = static_cast<float>(node.number("value_float", 0));
    return importer.set(node, Tensor::from_floats({}, std::span(&value, 1)));
  }
  node.unsupported("holds neither numbers nor a list of integers");
}

void read_shape(Importer& importer, OnnxNode& node) {
  Integers list;
  if (const auto* value = std::get_if<Activation>(&importer.value(node, 0))) {
    list.values.push_back({0, true});
    for (const int64_t extent : value->extents) list.values.push_back({extent, false});
  } else {
    const Tensor tensor = importer.weight(node, 0);
    for (const int64_t extent : tensor.shape()) list.values.push_back({extent, false});
  }
  const auto rank = static_cast<int64_t>(list.values.size());
  const int64_t begin = run_bound(node.integer("start", 0), rank), end = run_bound(node.integer("end", rank), rank);
  Integers part;
  for (int64_t i = begin; i < end; ++i) part.values.push_back(list.values[static_cast<size_t>(i)]);
  importer.set(node, part);
}

void read_gather(Importer& importer, OnnxNode& node) {
  if (importer.is_activation(node, 0)) {
    node.unsupported("picks parts of a value one by one; runs of channels are read, as Slice or Split");
  }
  const Integers list = importer.integers(node, 0);
  const Integers& places = importer.integers(node, 1);
  if (list.scalar || normal_axis(node, node.integer("axis", 0), 1) != 0)
    node.damaged("picks along another axis than the list's");
  Integers picked{{}, places.scalar};
  for (const Extent& place : places.values) {
    if (place.batch) node.unsupported("picks by the size of the batch");
    picked.values.push_back(list.values[static_cast<size_t>(normal_axis(node, place.value, list.values.size()))]);
  }
  importer.set(node, picked);
}

template <float (*Rule)(float)>
void read_of_constant(Importer& importer, OnnxNode& node) {
  if (importer.is_activation(node, 0))
    node.unsupported("is applied to a value of the network; of constants alone it is read");
  importer.set(node, map_elements(importer.weight(node, 0), Rule));
}
float square_root(float x) { return std::sqrt(x); }
float reciprocal(float x) { return 1 / x; }
float negative(float x) { return -x; }

constexpr std::array<ImportOperation, 6> kOperations{{{"Constant", read_constant},
                                                      {"Gather", read_gather},
                                                      {"Neg", read_of_constant<negative>},
                                                      {"Reciprocal", read_of_constant<reciprocal>},
                                                      {"Shape", read_shape},
                                                      {"Sqrt", read_of_constant<square_root>}}};

}  // namespace

std::span<const ImportOperation> arithmetic_operations() { return kOperations; }

}  // namespace sooner
