#include "tune/tables/logit_table_file.h"

#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "core/error.h"
#include "core/file.h"
#include "format/safetensors.h"

namespace sooner {
namespace {

using Member = std::pair<const char*, std::string Origin::*>;
constexpr std::array kMembers = {Member{"sooner.model", &Origin::weights_hash},
                                 Member{"sooner.data_set", &Origin::data_set},
                                 Member{"sooner.split", &Origin::split},
                                 Member{"sooner.split_hash", &Origin::split_hash},
                                 Member{"sooner.precision", &Origin::precision},
                                 Member{"sooner.backend", &Origin::backend},
                                 Member{"sooner.instruction_set", &Origin::instruction_set}};

class TableReader {
 public:
  explicit TableReader(const std::filesystem::path& path)
      : place_(fmt::format("logit table '{}'", path.string())),
        file_(view_safetensors(map_file(path), path.string())) {}

  StoredTable read() const {
    StoredTable stored;
    LogitTable& table = stored.table;
    const Tensor& logits = tensor("logits", DType::kF32);
    if (logits.shape().size() != 3) refuse("logits", logits.shape(), "samples, exits, classes");
    table.samples = logits.shape()[0];
    table.exits = narrow(logits, 1);
    table.classes = narrow(logits, 2);
    table.stored = logits.floats();
    table.store = std::make_shared<const Tensor>(logits);
    if (table.classes == 1) {
      table.targets = copy<float>(tensor("targets", DType::kF32), "targets", {table.samples});
    } else {
      table.labels = copy<int32_t>(tensor("labels", DType::kI32), "labels", {table.samples});
    }
    if (table.exits > 1) {
      table.gates = copy<float>(tensor("gates", DType::kF32), "gates", {table.samples, table.exits - 1});
    }
    for (const auto& [key, member] : kMembers) {
      const auto text = file_.metadata.find(key);
      if (text != file_.metadata.end()) stored.origin.*member = text->second;
    }
    return stored;
  }

 private:
  [[noreturn]] void refuse(const char* name, const Shape& shape, const std::string& expected) const {
    fail(Code::kDataLoss, "[{}] '{}' has the shape {}, expected {}; record the table again", place_, name,
         to_string(shape), expected);
  }

  const Tensor& tensor(const char* name, DType dtype) const {
    const auto found = file_.tensors.find(name);
    if (found == file_.tensors.end()) {
      fail(Code::kDataLoss, "[{}] holds no tensor '{}'; is this a logit table?", place_, name);
    }
    if (found->second.dtype() != dtype) {
      fail(Code::kDataLoss, "[{}] '{}' is {}, expected {}; record the table again", place_, name,
           to_string(found->second.dtype()), to_string(dtype));
    }
    return found->second;
  }

  [[nodiscard]] int32_t narrow(const Tensor& logits, size_t axis) const {
    const int64_t extent = logits.shape()[axis];
    if (extent > std::numeric_limits<int32_t>::max()) refuse("logits", logits.shape(), "exits and classes below 2^31");
    return static_cast<int32_t>(extent);
  }

  template <typename T>
  std::vector<T> copy(const Tensor& tensor, const char* name, const Shape& expected) const {
    if (tensor.shape() != expected) refuse(name, tensor.shape(), to_string(expected));
    std::vector<T> values(static_cast<size_t>(tensor.elements()));
    if (!values.empty()) std::memcpy(values.data(), tensor.raw().data(), tensor.bytes());
    return values;
  }

  std::string place_;
  Safetensors file_;
};

// Of values that outlive it; nothing is copied.
template <typename T>
Tensor view_of(DType dtype, Shape shape, std::span<const T> values) {
  auto* bytes = reinterpret_cast<std::byte*>(const_cast<T*>(values.data()));
  return Tensor::view(dtype, std::move(shape), std::shared_ptr<std::byte>(std::shared_ptr<void>(), bytes));
}

}  // namespace

StoredTable read_logit_table(const std::filesystem::path& path) { return TableReader(path).read(); }

void write_logit_table(const StoredTable& stored, const std::filesystem::path& path) {
  const LogitTable& table = stored.table;
  Safetensors file;
  file.tensors["logits"] = view_of(DType::kF32, {table.samples, table.exits, table.classes}, table.all_logits());
  if (table.exits > 1) {
    file.tensors["gates"] = view_of(DType::kF32, {table.samples, table.exits - 1}, std::span<const float>(table.gates));
  }
  if (table.classes == 1) {
    file.tensors["targets"] = view_of(DType::kF32, {table.samples}, std::span<const float>(table.targets));
  } else {
    file.tensors["labels"] = view_of(DType::kI32, {table.samples}, std::span<const int32_t>(table.labels));
  }
  file.metadata["format"] = "pt";
  for (const auto& [key, member] : kMembers) {
    if (!(stored.origin.*member).empty()) file.metadata[key] = stored.origin.*member;
  }
  write_file_atomically(path, [&](FileSink& sink) { write_safetensors(file, sink); });
}

void check_table_of(const Origin& origin, const std::string& model_hash, const std::filesystem::path& path) {
  if (origin.weights_hash == model_hash) return;
  fail(Code::kFailedPrecondition, "[logit table '{}'] {}, expected {}; record one with `sooner eval --save-table`",
       path.string(),
       origin.weights_hash.empty() ? "does not say which model and engine its logits are from"
                                   : "is of another model, " + origin.weights_hash,
       model_hash);
}

}  // namespace sooner
