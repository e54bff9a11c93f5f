// One node of an ONNX file while it is read: typed access to attributes that refuses what it does not know.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/onnx_file.h"

namespace sooner {

class OnnxNode {
 public:
  OnnxNode(const OnnxFile& file, const onnx::NodeProto& proto) : file_(file), proto_(proto) {}

  [[nodiscard]] const std::string& op() const { return proto_.op_type(); }
  [[nodiscard]] const onnx::NodeProto& proto() const { return proto_; }
  [[nodiscard]] std::string label() const { return OnnxFile::label(proto_); }
  [[nodiscard]] size_t input_count() const { return static_cast<size_t>(proto_.input_size()); }
  // Empty where it is left out.
  [[nodiscard]] const std::string& input(size_t i) const;
  [[nodiscard]] bool has_input(size_t i) const { return !input(i).empty(); }
  // Throws kDataLoss where the node has none.
  [[nodiscard]] const std::string& output(size_t i = 0) const;

  // Of attributes; each throws kDataLoss for one of another type.
  int64_t integer(std::string_view name, int64_t standard);
  double number(std::string_view name, double standard);
  std::string text(std::string_view name, std::string_view standard);
  std::optional<std::vector<int64_t>> integers(std::string_view name);
  const onnx::TensorProto* tensor(std::string_view name);
  bool has(std::string_view name) const;
  // Known, and of no interest here.
  void ignore(std::string_view name) { static_cast<void>(find(name, onnx::AttributeProto::UNDEFINED)); }
  // Throws kUnimplemented for an attribute that nobody asked for.
  void expect_no_more() const;

  // kUnimplemented: "[import] 'file': node 'label' (Op): what".
  [[noreturn]] void unsupported(const std::string& what) const;
  // kDataLoss: the same.
  [[noreturn]] void damaged(const std::string& what) const;

 private:
  const onnx::AttributeProto* find(std::string_view name, onnx::AttributeProto::AttributeType type);

  const OnnxFile& file_;
  const onnx::NodeProto& proto_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace sooner
