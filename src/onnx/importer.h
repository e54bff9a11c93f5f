// The state of an import: values found so far, the network built so far. One function an operation uses it
// (import_operation.h); onnx_import.cc calls them, node by node.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"
#include "graph/graph_builder.h"
#include "onnx/import_value.h"
#include "onnx/imported_network.h"
#include "onnx/onnx_node.h"

namespace sooner {

class Importer {
 public:
  // Reads the input. Throws what import_onnx throws.
  Importer(const OnnxFile& file, const ImportOptions& options);
  // What the answer depends on, in the file's order: a second output may be anything.
  [[nodiscard]] std::vector<const onnx::NodeProto*> needed_nodes() const;
  // After all of them but those skipped have set their values. Throws what import_onnx throws.
  ImportedNetwork finish();

  [[nodiscard]] const OnnxFile& file() const { return file_; }
  [[nodiscard]] GraphBuilder& builder() { return builder_; }
  [[nodiscard]] Shape shape(NodeId id) const { return builder_.shape(id); }
  // The batch's extent where the file fixes it.
  [[nodiscard]] std::optional<int64_t> fixed_batch() const { return fixed_batch_; }

  // Inputs of a node; each throws, naming the node, where the input is missing or of another kind.
  [[nodiscard]] const ImportValue& value(const OnnxNode& node, size_t i);
  [[nodiscard]] const Activation& activation(const OnnxNode& node, size_t i);
  [[nodiscard]] const Integers& integers(const OnnxNode& node, size_t i);
  // Numbers alone, none of them the batch's.
  [[nodiscard]] std::vector<int64_t> numbers(const OnnxNode& node, size_t i);
  [[nodiscard]] Tensor weight(const OnnxNode& node, size_t i);
  [[nodiscard]] bool is_activation(const OnnxNode& node, size_t i);

  // The network's node that has the value as ONNX sees it; a view is written out where it is one. `as_map`: [C, H, W],
  // `as_vector`: [F]. Throw kUnimplemented, naming the node, where it cannot be seen so.
  NodeId as_map(const OnnxNode& node, const Activation& value);
  NodeId as_vector(const OnnxNode& node, const Activation& value);
  // For operations on single elements, which views do not disturb: the value with its mean computed, if it was one.
  Activation settled(const OnnxNode& node, const Activation& value);
  // Of a convolution over one place, or a channel's scale: true where nothing but flattening, leaving out and softmax
  // stands between the value and the answer.
  [[nodiscard]] bool answers(const std::string& value) const;

  // What the node gives.
  void set(const OnnxNode& node, ImportValue value, size_t output = 0);
  // A value [C, H, W] or [F] of the network, seen as it is.
  void set_node(const OnnxNode& node, NodeId id);
  // A node that has been dealt with together with this one.
  void skip(const onnx::NodeProto* node) { skipped_.insert(node); }
  [[nodiscard]] bool is_skipped(const onnx::NodeProto* node) const { return skipped_.contains(node); }

  // A name for the network's node: that of its weight without ".weight", else of the ONNX node without what its
  // exporter adds.
  std::string name_for(const OnnxNode& node, const std::string& weight = {}) {
    return unique(wanted_name(node, weight));
  }
  // The same, not taken yet.
  [[nodiscard]] static std::string wanted_name(const OnnxNode& node, const std::string& weight = {});
  std::string unique(const std::string& wanted);
  void add_parameter(const std::string& name, Tensor tensor);
  void note(const std::string& text);

 private:
  void check_output() const;
  [[nodiscard]] Shape input_extents(const OnnxValue& input);
  void read_input();
  [[nodiscard]] std::string answer() const;
  ImportedNetwork network_of(NodeId logits);
  NodeId cached(NodeId src, char kind, const std::function<NodeId()>& make);

  const OnnxFile& file_;
  ImportOptions options_;
  GraphBuilder builder_;
  TensorMap tensors_;
  std::map<std::string, ImportValue> values_;
  std::set<std::string> names_;
  std::set<const onnx::NodeProto*> skipped_;
  std::map<std::pair<NodeId, char>, NodeId> written_;  // views that are nodes already
  std::vector<std::string> notes_;
  std::optional<int64_t> fixed_batch_;
};

}  // namespace sooner
