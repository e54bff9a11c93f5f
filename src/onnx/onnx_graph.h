// An ONNX graph while it is written: nodes, initialisers, the names of values. Knows ONNX, not our operations.
//
// Batches are the dynamic dimension "batch"; everything is fp32. Operator set 17, so that every runtime of the last
// years reads it.
#pragma once

#include <onnx-ml.pb.h>

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.h"

namespace sooner {

class OnnxGraph {
 public:
  explicit OnnxGraph(const std::string& name);

  // A name no value has yet: `wanted`, or `wanted` with a number behind it.
  std::string unique(const std::string& wanted);
  // Shapes are per sample; the batch comes before them. The name must be one given by unique().
  void add_input(const std::string& name, const Shape& shape);
  void add_output(const std::string& name, const Shape& shape);
  // Constants; the result is the value's name.
  std::string constant(const std::string& name, const Shape& shape, std::span<const float> values);
  std::string constant(const std::string& name, std::span<const int64_t> values);
  // A node named after its first output, which the caller gives attributes. The outputs are names given by unique().
  onnx::NodeProto& node(const char* op, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs);
  // The common case: one output, named after `wanted`; the result is its name.
  std::string apply(const char* op, const std::vector<std::string>& inputs, const std::string& wanted);

  void add_metadata(const std::string& key, const std::string& value);
  [[nodiscard]] const onnx::ModelProto& proto() const { return model_; }

 private:
  onnx::ModelProto model_;
  std::set<std::string, std::less<>> names_;
};

void set_attribute(onnx::NodeProto& node, const char* name, int64_t value);
void set_attribute(onnx::NodeProto& node, const char* name, float value);
void set_attribute(onnx::NodeProto& node, const char* name, const std::vector<int64_t>& values);

}  // namespace sooner
