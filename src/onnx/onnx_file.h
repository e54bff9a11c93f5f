// An ONNX file as it was read: nodes in an order in which they can run, constants found, limits held. Knows ONNX, not
// our operations.
//
// Nothing here trusts the bytes: every extent, length, offset and name is checked before anything is allocated for it.
#pragma once

#include <onnx-ml.pb.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sooner {

// Operator sets whose operations are read.
inline constexpr int64_t kOldestOperatorSet = 7;
inline constexpr int64_t kNewestOperatorSet = 26;

// An extent of a declared shape: a number, or left open.
using DeclaredShape = std::vector<std::optional<int64_t>>;

struct OnnxValue {
  std::string name;
  DeclaredShape shape;
  bool is_float = false;
};

class OnnxFile {
 public:
  // `folder`: where external data lies; empty where there is none to be read. Throws kDataLoss naming `name` and what
  // is wrong, kUnimplemented for files beyond the operator sets above, or with functions or operators of their own.
  OnnxFile(std::span<const std::byte> bytes, std::string name, std::filesystem::path folder);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int64_t operator_set() const { return operator_set_; }
  // In topological order, each one's inputs known before it.
  [[nodiscard]] const std::vector<const onnx::NodeProto*>& nodes() const { return order_; }
  // Those without a value of their own in the file.
  [[nodiscard]] const std::vector<OnnxValue>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<OnnxValue>& outputs() const { return outputs_; }
  // A name for a message: one line, not too long.
  static std::string shown(const std::string& name);
  // The node's readable name: its own, else what it writes.
  static std::string label(const onnx::NodeProto& node);
  // Nodes that read the value; an output of the graph is read once more.
  [[nodiscard]] const std::vector<const onnx::NodeProto*>& readers(const std::string& value) const;
  [[nodiscard]] bool is_output(const std::string& value) const;

  [[nodiscard]] bool has_constant(const std::string& value) const { return constants_.contains(value); }
  // fp32, or int64 for every kind of integer; doubles are rounded. Throws kDataLoss, kUnimplemented for other types.
  [[nodiscard]] Tensor constant(const std::string& value) const;
  // The same, of a tensor that stands in an attribute.
  [[nodiscard]] Tensor tensor(const onnx::TensorProto& proto, const std::string& what) const;

  [[noreturn]] void refuse(const std::string& what) const;

 private:
  void read_interface();
  void sort_nodes();
  [[nodiscard]] OnnxValue describe(const onnx::ValueInfoProto& value) const;
  [[nodiscard]] std::string external_bytes(const onnx::TensorProto& proto, const std::string& what,
                                           size_t expected) const;

  onnx::ModelProto model_;
  std::string name_;
  std::filesystem::path folder_;
  int64_t operator_set_ = 0;
  std::map<std::string, const onnx::TensorProto*> constants_;
  std::vector<const onnx::NodeProto*> order_;
  std::vector<OnnxValue> inputs_, outputs_;
  std::map<std::string, std::vector<const onnx::NodeProto*>> readers_;
};

}  // namespace sooner
